import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { hasSystemCode, messageOf } from '#core'
import { OciError } from '../../errors.ts'
import { Metrics } from '../../registry/metrics.ts'
import { Refusal } from '../../registry/refusal.ts'
import { readRoute } from '../../registry/route.ts'
import { type AddressOf, peerAddress } from './client-address.ts'
import { answerContents } from './contents-request.ts'
import { answerControl } from './control.ts'
import { answerBase, answerCatalog, answerInRepository, answerTagMoves } from './dispatch.ts'
import { Exchange } from './exchange.ts'
import { ManifestCache } from './manifest-cache.ts'
import { MemoryBudget } from './memory-budget.ts'
import { openAuthority } from './open-authority.ts'
import { registryGauges } from './registry-gauges.ts'
import type { Authority, Serving } from './serving.ts'
import { RegistryStore } from './store.ts'
import { Uploads } from './uploads.ts'

/** One line of the access log. */
export interface AccessRecord {
  readonly time: string
  readonly client: string
  readonly user?: string
  readonly method: string
  readonly path: string
  readonly status: number
  readonly received: number
  readonly sent: number
  readonly milliseconds: number
  readonly agent?: string
}

/** The limits of a registry; times in milliseconds, sizes in bytes. */
export interface RegistryLimits {
  readonly blob: number
  readonly uploads: number
  readonly uploadsOfClient: number
  readonly uploadIdle: number
  readonly connections: number
  /** For a request's headers, and for a request as a whole. */
  readonly headers: number
  readonly request: number
  /** The slowest that a body may come, in bytes a second, after `paceGrace`. */
  readonly pace: number
  readonly paceGrace: number
}

export const REGISTRY_LIMITS: RegistryLimits = {
  blob: 20 * 1024 ** 3,
  uploads: 10_000,
  uploadsOfClient: 200,
  uploadIdle: 3_600_000,
  connections: 10_000,
  headers: 10_000,
  request: 6 * 3_600_000,
  pace: 1024,
  paceGrace: 30_000,
}

/** What requests that bring many contents may hold in memory together, in bytes. */
const BULK_MEMORY = 128 * 1024 * 1024

/** How a registry is served. */
export interface RegistryServerOptions {
  /** Port 0 for a free one. */
  readonly host: string
  readonly port: number
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer }
  /** Who may do what; everybody everything unless given. */
  readonly authority?: Authority
  readonly limits?: Partial<RegistryLimits>
  /** Who asks: the address of the connection unless given. */
  readonly addressOf?: AddressOf
  /** Answers what is no path of the registry's protocol, in place of the registry's own health and metrics. */
  readonly elsewhere?: (request: http.IncomingMessage, response: http.ServerResponse) => void
  readonly onAccess?: (record: AccessRecord) => void
  /** Told of errors that are the registry's own, not a client's. */
  readonly onError?: (error: unknown) => void
}

/** A registry that is being served. */
export class RegistryServer {
  readonly store: RegistryStore
  readonly metrics: Metrics
  readonly #server: http.Server | https.Server
  readonly #serving: Serving
  readonly #options: RegistryServerOptions
  readonly #open = new Set<Exchange>()
  readonly #timers: NodeJS.Timeout[]

  private constructor(store: RegistryStore, uploads: Uploads, options: RegistryServerOptions) {
    const limits = { ...REGISTRY_LIMITS, ...options.limits }
    this.store = store
    this.#options = options
    this.metrics = new Metrics(registryGauges(store, uploads))
    this.#serving = {
      store,
      uploads,
      manifests: new ManifestCache(store),
      authority: options.authority ?? openAuthority,
      blobLimit: limits.blob,
      bulk: new MemoryBudget(BULK_MEMORY),
    }
    const settings = {
      headersTimeout: limits.headers,
      requestTimeout: limits.request,
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: Math.min(5000, limits.headers),
      maxHeaderSize: 16 * 1024,
      insecureHTTPParser: false,
      noDelay: true,
    }
    const { elsewhere } = options
    const listener = (request: http.IncomingMessage, response: http.ServerResponse) => {
      if (elsewhere === undefined || isOfProtocol(request.url ?? '')) this.#receive(request, response)
      else elsewhere(request, response)
    }
    this.#server = options.tls
      ? https.createServer({ ...settings, ...options.tls }, listener)
      : http.createServer(settings, listener)
    this.#server.maxConnections = limits.connections
    const pace = { bytesPerSecond: limits.pace, graceSeconds: limits.paceGrace / 1000 }
    this.#timers = [
      setInterval(
        () => this.#open.forEach((exchange) => void exchange.checkPace(pace)),
        Math.min(5000, limits.paceGrace),
      ),
      setInterval(
        () => void uploads.expire().catch((error) => this.#report(error)),
        Math.min(60_000, limits.uploadIdle),
      ),
    ]
    for (const timer of this.#timers) timer.unref()
  }

  /** Opens a registry's folder and serves it. Rejects with the codes of `RegistryStore`, or `STORE_FAILED`. */
  static async start(folder: string, options: RegistryServerOptions): Promise<RegistryServer> {
    const store = await RegistryStore.open(folder)
    try {
      const uploads = await Uploads.open(store, { ...REGISTRY_LIMITS, ...options.limits })
      const server = new RegistryServer(store, uploads, options)
      store.folderLock.handle((name, parameters) => answerControl(store, name, parameters))
      server.#server.listen(options.port, options.host)
      await once(server.#server, 'listening')
      return server
    } catch (cause) {
      await store.close()
      if (cause instanceof OciError) throw cause
      const words = `cannot listen on ${options.host}:${options.port}: ${messageOf(cause)}`
      throw new OciError('STORE_FAILED', words, { cause })
    }
  }

  /** The port that it listens on. */
  get port(): number {
    // A server that listens on a host and port has such an address.
    return (this.#server.address() as AddressInfo).port
  }

  /** `HOST:PORT` as it stands in references. */
  get address(): string {
    const { host } = this.#options
    return `${host.includes(':') ? `[${host}]` : host}:${this.port}`
  }

  /** Takes a new certificate for the connections to come. */
  renewCertificate(tls: { cert: string | Buffer; key: string | Buffer }): void {
    if (this.#server instanceof https.Server) this.#server.setSecureContext(tls)
  }

  /** Takes no more connections, lets requests under way end for so many milliseconds, and closes the folder in order. */
  async close(grace = 10_000): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeIdleConnections()
    const force = setTimeout(() => this.#server.closeAllConnections(), grace)
    await closed
    clearTimeout(force)
    try {
      await this.#serving.uploads.close()
    } finally {
      await this.store.close()
    }
  }

  #receive(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { addressOf = peerAddress } = this.#options
    const who = { started: performance.now(), client: addressOf(request) }
    const exchange = new Exchange(request, response, who)
    this.#open.add(exchange)
    response.once('close', () => {
      this.#open.delete(exchange)
      this.#note(exchange)
    })
    // A client that goes away ends its request; whoever reads the body hears of it there.
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    this.#answer(exchange).catch((error: unknown) => this.#fail(exchange, error))
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { authority } = this.#serving
    const route = readRoute(exchange.path)
    exchange.route = route?.kind ?? 'other'
    if (route === undefined) throw new Refusal('UNSUPPORTED', 'there is nothing at this path', { status: 404 })
    if (route.kind === 'health') return exchange.send(200, { 'content-type': 'text/plain' }, 'ok\n')
    if (route.kind === 'token' && authority.issueToken !== undefined) return await authority.issueToken(exchange)
    exchange.identity = await authority.identify(exchange)
    switch (route.kind) {
      case 'base':
        return answerBase(exchange, this.#serving)
      case 'catalog':
        return answerCatalog(exchange, this.#serving)
      case 'metrics':
        return this.#sendMetrics(exchange)
      case 'tag-moves':
        return await answerTagMoves(exchange, this.#serving)
      case 'contents':
        return await answerContents(exchange, this.#serving)
      case 'token':
        throw new Refusal('UNSUPPORTED', 'this registry issues no tokens', { status: 404 })
      default:
        return await answerInRepository(exchange, this.#serving, route)
    }
  }

  #sendMetrics(exchange: Exchange): void {
    const { authority } = this.#serving
    if (!authority.isAdmin(exchange.identity)) {
      const headers = authority.challenge(exchange)
      throw new Refusal('UNAUTHORIZED', 'cannot show metrics to anyone but an administrator', { headers })
    }
    exchange.send(200, { 'content-type': 'text/plain; version=0.0.4' }, this.metrics.format())
  }

  #fail(exchange: Exchange, error: unknown): void {
    if (exchange.isBroken || exchange.response.destroyed) exchange.response.destroy()
    else if (error instanceof Refusal) exchange.refuse(error)
    else exchange.refuse(this.#ownFault(error))
  }

  /** What a client is told of a fault that is not its own. Why is for the operator's eyes. */
  #ownFault(error: unknown): Refusal {
    this.#report(error)
    const code = error instanceof OciError ? error.code : undefined
    const options = { cause: error, headers: { 'retry-after': '5' } }
    if (code === 'STORE_FULL') return new Refusal('UNAVAILABLE', 'there is no space left', { ...options, status: 507 })
    if (code === 'STORE_FAILED' || hasSystemCode(error, 'EMFILE', 'ENFILE', 'EIO', 'EROFS')) {
      return new Refusal('UNAVAILABLE', 'the storage does not work at the moment', options)
    }
    return new Refusal('UNKNOWN', 'the registry failed', { cause: error })
  }

  #report(error: unknown): void {
    this.#options.onError?.(error)
  }

  #note(exchange: Exchange): void {
    const { method, route, received, sent, request, response, identity } = exchange
    const milliseconds = performance.now() - exchange.started
    const status = response.headersSent ? response.statusCode : 499
    this.metrics.count({ method: knownMethod(method), route, status, seconds: milliseconds / 1000, received, sent })
    this.#options.onAccess?.({
      time: new Date().toISOString(),
      client: exchange.client,
      ...(identity.user === undefined ? {} : { user: identity.user }),
      method,
      path: request.url ?? '',
      status,
      received,
      sent,
      milliseconds: Math.round(milliseconds * 100) / 100,
      ...(request.headers['user-agent'] === undefined ? {} : { agent: request.headers['user-agent'] }),
    })
  }
}

/** Whether a request is a client's of the registry (distribution-spec §endpoints), or for one of its tokens. */
function isOfProtocol(url: string): boolean {
  return /^\/(?:v2(?:[/?]|$)|token(?:\?|$))/.test(url)
}

/** Labels are a closed set, whatever clients send. */
function knownMethod(method: string): string {
  return ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'].includes(method) ? method : 'other'
}
