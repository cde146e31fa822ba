import { isIP } from 'node:net'
import type { Moment } from '#factory'
import type { OpenStore } from '#store'
import type { Exchange } from '../http/exchange.ts'
import { type Problem, problem } from '../http/problem.ts'
import type { Route } from '../http/route.ts'
import { clientKey, type Rate, RateLimit } from './rate-limit.ts'
import { allows, type Caller } from './rights.ts'
import { holds, tokenDigest } from './token.ts'

/** How many requests are taken; the defaults are `ADMISSION_RATES`. */
export interface AdmissionRates {
  /** Of one token. */
  readonly token: Rate
  /** Of one address without a token. */
  readonly address: Rate
  /** Of one address with tokens that are not known. */
  readonly failures: Rate
  /** Refusals that are noted in the audit trail: of one client, and of all that have no token. */
  readonly notes: Rate
  readonly strangers: Rate
}

export const ADMISSION_RATES: AdmissionRates = {
  token: { burst: 200, perSecond: 50 },
  address: { burst: 200, perSecond: 50 },
  failures: { burst: 10, perSecond: 0.2 },
  notes: { burst: 60, perSecond: 1 },
  strangers: { burst: 300, perSecond: 1 },
}

/** Who is let in. */
export interface AdmissionOptions {
  /** Whether everybody who reaches the server may read. */
  readonly isOpen: boolean
  /** Names by which the server is known, besides addresses and localhost; checked where reading is open. */
  readonly hosts?: readonly string[]
  readonly rates?: Partial<AdmissionRates>
}

/** Somebody without a token, where reading is open. */
const EVERYBODY: Caller = { token: undefined, name: 'anonymous', role: 'reader', images: ['**'] }
/** What is asked so often, and costs so little, that it is not counted. */
const UNCOUNTED: readonly string[] = ['health', 'readiness']

/** Decides who may come in, and how often. */
export class Admission {
  readonly #tokens: OpenStore['tokens']
  readonly #options: AdmissionOptions & { readonly now: () => Moment }
  readonly #limits: Readonly<Record<keyof AdmissionRates, RateLimit>>
  /** Refusals that were not noted because there were too many. */
  unnoted = 0

  constructor(tokens: OpenStore['tokens'], options: AdmissionOptions & { readonly now: () => Moment }) {
    this.#tokens = tokens
    this.#options = options
    const rates = { ...ADMISSION_RATES, ...options.rates }
    const limit = (rate: Rate) => new RateLimit(rate, () => performance.now())
    this.#limits = {
      token: limit(rates.token),
      address: limit(rates.address),
      failures: limit(rates.failures),
      notes: limit(rates.notes),
      strangers: limit(rates.strangers),
    }
  }

  /**
   * Where reading is open, a page on the web could have a browser read for it, by a name of its own that leads here. An address
   * cannot be such a name. Throws `HOST_UNKNOWN`.
   */
  checkHost(exchange: Exchange): void {
    const { isOpen, hosts = [] } = this.#options
    if (!isOpen) return
    const name = (exchange.header('host') ?? '').toLowerCase().replace(/:\d*$/, '')
    const isAddress = isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0
    if (isAddress || name === 'localhost' || hosts.includes(name)) return
    throw problem(
      'HOST_UNKNOWN',
      `cannot answer for ${JSON.stringify(name.slice(0, 100))}: it is none of the names of this server`,
    )
  }

  /**
   * Finds out who asks. Rejects with `REQUESTS_TOO_MANY`, with `TOKEN_MISSING` for what needs a token, and with `TOKEN_REFUSED` for
   * one that is not taken, whatever is asked for.
   */
  async admit(exchange: Exchange, route: Route): Promise<Caller> {
    if (UNCOUNTED.includes(route.id)) return EVERYBODY
    const address = clientKey(exchange.address)
    const given = exchange.header('authorization')
    if (given === undefined) {
      this.#count('address', address)
      if (route.action !== undefined && !(this.#options.isOpen && allows(EVERYBODY, route.action))) {
        throw missing(exchange, 'cannot do this without a token')
      }
      exchange.caller = EVERYBODY
      return EVERYBODY
    }
    const caller = await this.#callerOf(exchange, given, address)
    this.#count('token', String(caller.token))
    exchange.caller = caller
    return caller
  }

  /** Whether somebody who was let in would be let in again: his token was not revoked since, and has not expired. */
  async isStillIn({ token: id }: Caller): Promise<boolean> {
    if (id === undefined) return this.#options.isOpen
    const [token] = await this.#tokens.list(id + 1, 1)
    return token !== undefined && token.id === id && holds(token, token.digest, this.#options.now())
  }

  /** Whether a refusal is noted: of one client so many, of all that have no token so many. */
  mayNote({ caller, address }: Exchange, refusal: Problem): boolean {
    const client = caller?.token === undefined ? clientKey(address) : `token ${caller.token}`
    const isStranger = caller?.token === undefined
    const mayBe =
      this.#limits.notes.take(`${client} ${refusal.code}`) === 0 &&
      (!isStranger || this.#limits.strangers.take('') === 0)
    if (!mayBe) this.unnoted++
    return mayBe
  }

  async #callerOf(exchange: Exchange, given: string, address: string): Promise<Caller> {
    const { text, isPassword } = readAuthorization(given)
    // A browser sends a password by itself, also for a page of somebody else: so with one nothing is changed.
    if (isPassword && exchange.method !== 'GET' && exchange.method !== 'HEAD') {
      throw missing(exchange, 'cannot do this with a password: want authorization: Bearer')
    }
    const digest = text === undefined ? undefined : tokenDigest(text)
    const token = digest === undefined ? undefined : await this.#tokens.find(digest)
    if (token === undefined || digest === undefined || !holds(token, digest, this.#options.now())) {
      this.#count('failures', address)
      throw problem('TOKEN_REFUSED', 'cannot take the token: it is not known here, was revoked, or has expired', {
        headers: challenge(exchange),
      })
    }
    const { id, name, role, images } = token
    return { token: id, name, role, images }
  }

  #count(what: 'token' | 'address' | 'failures', client: string): void {
    const seconds = this.#limits[what].take(client)
    if (seconds === 0) return
    throw problem('REQUESTS_TOO_MANY', `cannot take more requests at the moment: come again in ${seconds} s`, {
      headers: { 'retry-after': String(seconds) },
    })
  }
}

function readAuthorization(given: string): { text: string | undefined; isPassword: boolean } {
  const [, scheme = '', credentials = ''] = /^(\w+) +([\w.~+/=-]{1,1000})$/.exec(given) ?? []
  if (scheme.toLowerCase() === 'bearer') return { text: credentials, isPassword: false }
  if (scheme.toLowerCase() !== 'basic') return { text: undefined, isPassword: false }
  const decoded = Buffer.from(credentials, 'base64').toString('utf8')
  return { text: decoded.slice(decoded.indexOf(':') + 1), isPassword: true }
}

function missing(exchange: Exchange, detail: string): Problem {
  return problem('TOKEN_MISSING', detail, { headers: challenge(exchange) })
}

/** A browser that asks for the page is to ask for a password; a program that asks for the API is not to. */
function challenge({ path }: Exchange): Readonly<Record<string, string>> {
  const isPage = path === '/' || path.startsWith('/images/')
  const scheme = isPage ? 'Basic realm="casemate", charset="UTF-8"' : 'Bearer realm="casemate"'
  return { 'www-authenticate': scheme }
}
