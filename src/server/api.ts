import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServiceLevels } from '#factory'
import { type AccessRecord, type AddressOf, peerAddress } from '#oci/registry'
import type { OpenStore } from '#store'
import { Admission, type AdmissionOptions } from './access/admission.ts'
import { allows } from './access/rights.ts'
import { Exchange } from './http/exchange.ts'
import { type Problem, problem, problemOf } from './http/problem.ts'
import { queryParameters, readBody, readParameters } from './http/read-request.ts'
import { type Call, NOTHING, type Route, route } from './http/route.ts'
import { Routing } from './http/routing.ts'
import { ApiMetrics } from './metrics.ts'
import { openApiDocument } from './openapi.ts'
import { pageRoutes } from './page/routes.ts'
import { StandingMemory } from './page/standing-memory.ts'
import { recordRefusal } from './record.ts'
import { apiRoutes } from './routes/index.ts'
import type { FactoryCommands, Serving } from './serving.ts'
import { LedgerTail } from './stream/ledger-tail.ts'
import { Warnings } from './warnings.ts'

/** The longest path with its query that is looked at. */
const MAX_URL = 8192
/** A stream on which nothing happens says so every so many milliseconds, so that nothing between takes it for dead. */
const PULSE = 15_000
/** How long a body may take, in milliseconds. */
const BODY_TIME = 10_000
/** How long the database may take to say that it is there, in milliseconds. */
const READY_TIME = 2000

/** How the API is served. */
export interface ApiOptions extends AdmissionOptions {
  readonly store: OpenStore
  /** What the factory does on somebody's word; what is left out is refused. */
  readonly commands?: FactoryCommands
  /** Where images are pulled from, `HOST[:PORT][/PREFIX]`. */
  readonly registry: string
  /** The address that people and programs know this server by, e.g. `https://images.example.org`. */
  readonly url: string
  readonly version: string
  /** How long fixes may take, by the settings. */
  readonly levels: ServiceLevels
  /** What has to be said loudly, a line each: that advisories are stale, and the like. */
  readonly warnings?: () => Promise<readonly string[]>
  /** Further lines of `/metrics`, e.g. the registry's. */
  readonly metrics?: () => string
  /** How long a body may take, in milliseconds; 10 s unless given. */
  readonly bodyTime?: number
  /** How often an open stream says that it lives and its token is looked at again, in milliseconds; 15 s unless given. */
  readonly pulse?: number
  /** Who asks: the address of the connection unless given. */
  readonly addressOf?: AddressOf
  readonly onAccess?: (record: AccessRecord) => void
  /** Told of errors that are the server's own, not a client's. */
  readonly onError?: (error: unknown) => void
  /** Our clock; the machine's unless given. */
  readonly now?: () => Date
}

/** What a request leads to. */
interface Target {
  readonly route: Route
  readonly parameters: Readonly<Record<string, string>>
}

/** The factory's HTTP API and status page, as what answers the requests of some server. */
export class Api {
  readonly #options: ApiOptions
  readonly #serving: Serving
  readonly #routing: Routing
  readonly #admission: Admission
  readonly #metrics: ApiMetrics
  readonly #stopping = new AbortController()

  constructor(options: ApiOptions) {
    const { store, commands = {}, registry, url, version, levels, now = () => new Date() } = options
    this.#options = options
    const moment = () => now().toISOString()
    const tail = new LedgerTail(store.ledger, (error) => this.#report(error))
    this.#admission = new Admission(store.tokens, { ...options, now: moment })
    this.#metrics = new ApiMetrics(store, { tail, unnoted: () => this.#admission.unnoted, now, more: options.metrics })
    this.#serving = {
      ...{
        store,
        commands,
        tail,
        standing: new StandingMemory(store),
        warnings: new Warnings(store, options.warnings),
        registry,
        levels,
        url: url.replace(/\/+$/, ''),
        version,
        now: moment,
      },
      pulse: options.pulse ?? PULSE,
      isStillIn: (caller) => this.#admission.isStillIn(caller),
      metrics: () => this.#metrics.format(),
      unready: () => this.#unready(),
    }
    this.#routing = new Routing([...apiRoutes, descriptionRoute(version), ...pageRoutes])
  }

  /** Answers a request, whatever it is; never throws. */
  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    const { addressOf = peerAddress } = this.#options
    const exchange = new Exchange(request, response, addressOf(request))
    response.once('close', () => this.#note(exchange))
    if (this.#stopping.signal.aborted) response.shouldKeepAlive = false
    // A client that goes away ends its request; whoever reads or writes hears of it there.
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    this.#answer(exchange).catch((error: unknown) => this.#report(error))
  }

  /** Ends open streams, and refuses to be ready from now on; what is under way goes on. */
  stop(): void {
    this.#stopping.abort()
    this.#serving.tail.stop()
  }

  async #answer(exchange: Exchange): Promise<void> {
    let route: Route | undefined
    try {
      this.#admission.checkHost(exchange)
      const found = this.#find(exchange)
      route = found.route
      exchange.route = route.id
      await this.#perform(exchange, found)
    } catch (error) {
      if (exchange.response.destroyed) return
      const refusal = problemOf(error)
      if (refusal.status >= 500 && refusal.cause !== undefined) this.#report(error)
      await this.#noteRefusal(exchange, route, refusal)
      exchange.refuse(refusal)
    }
  }

  #find({ request, path, method }: Exchange): Target {
    if ((request.url ?? '').length > MAX_URL)
      throw problem('PATH_TOO_LONG', `cannot take a path of more than ${MAX_URL} bytes`)
    const found = this.#routing.find(path)
    if (found === undefined)
      throw problem('NOT_THERE', 'cannot find anything at this path; /api/v1/openapi.json says what there is')
    const route = found.methods.get(method === 'HEAD' ? 'GET' : method)
    if (route !== undefined) return { route, parameters: found.parameters }
    const allow = [...found.methods.keys()].flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one])).join(', ')
    throw problem('METHOD_UNKNOWN', `cannot ${/^[A-Z]{1,20}$/.test(method) ? method : 'do'} this; it takes ${allow}`, {
      headers: { allow },
    })
  }

  async #perform(exchange: Exchange, { route, parameters }: Target): Promise<void> {
    const caller = await this.#admission.admit(exchange, route)
    const { path, method, query, id, address } = exchange
    if (route.action !== undefined && !allows(caller, route.action)) {
      const reason = allows({ ...caller, images: ['**'] }, route.action)
        ? 'the token is not for all images'
        : `it is not among the rights of a ${caller.role}`
      throw problem('RIGHT_MISSING', `cannot ${route.action}: ${reason}`)
    }
    readParameters('header', route.headers, givenHeaders(exchange, route))
    const call: Call<object, object, object> = {
      path: readParameters('path', route.path, parameters),
      query: readParameters('query', route.query, queryParameters(query)),
      body: await readBody(exchange.request, route, this.#options.bodyTime ?? BODY_TIME),
      ...{ caller, request: id, address, target: `${method} ${path}` },
      header: (name) => exchange.header(name),
    }
    await exchange.send(await route.answer(call, this.#serving), this.#stopping.signal, route.status)
  }

  /** Refusals of what needs a right are noted, as long as nobody makes so many that they would fill the database. */
  async #noteRefusal(exchange: Exchange, route: Route | undefined, refusal: Problem): Promise<void> {
    if (route?.action === undefined || refusal.status >= 500) return
    const isOfRights = [401, 403, 404, 429].includes(refusal.status)
    if (!(isOfRights || route.method !== 'GET') || !this.#admission.mayNote(exchange, refusal)) return
    const { id: request, address, method, path, caller } = exchange
    const call = { request, address, caller, action: route.action, target: `${method} ${path.slice(0, 300)}` }
    await recordRefusal(this.#serving, call, refusal).catch((error: unknown) => this.#report(error))
  }

  async #unready(): Promise<string | undefined> {
    if (this.#stopping.signal.aborted) return 'cannot take requests: the server is about to stop'
    const late = Promise.withResolvers<string>()
    const timer = setTimeout(() => late.resolve('cannot take requests: the database does not answer'), READY_TIME)
    try {
      const asked = this.#options.store.database
        .query('look whether the database is there', 'select 1')
        .then(() => undefined)
      return await Promise.race([asked, late.promise])
    } catch {
      return 'cannot take requests: the database does not answer'
    } finally {
      clearTimeout(timer)
    }
  }

  #report(error: unknown): void {
    this.#options.onError?.(error)
  }

  #note({ request, response, method, route, path, sent, started, address, caller }: Exchange): void {
    const milliseconds = performance.now() - started
    const status = response.headersSent ? response.statusCode : 499
    const received = Number(request.headers['content-length'] ?? 0) || 0
    this.#metrics.count({ method, route, status, seconds: milliseconds / 1000, received, sent })
    const agent = request.headers['user-agent']
    this.#options.onAccess?.({
      time: new Date().toISOString(),
      client: address,
      ...(caller?.token === undefined ? {} : { user: caller.name }),
      ...{ method, path, status, received, sent, milliseconds: Math.round(milliseconds * 100) / 100 },
      ...(agent === undefined ? {} : { agent }),
    })
  }
}

/** The headers of a request that its route takes. */
function givenHeaders(exchange: Exchange, { headers: { properties = {} } }: Route): Readonly<Record<string, string>> {
  const given = Object.keys(properties).map((name) => [name, exchange.header(name)] as const)
  return Object.fromEntries(given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

function descriptionRoute(version: string): Route {
  const description = route({
    id: 'describe',
    method: 'GET',
    at: '/api/v1/openapi.json',
    summary: 'This description',
    group: 'server',
    action: undefined,
    query: NOTHING,
    gives: { type: 'object' },
    answer: async () => ({ json: document }),
  })
  const document = openApiDocument([...apiRoutes, description], version)
  return description
}
