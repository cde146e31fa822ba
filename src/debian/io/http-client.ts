import { lookup } from 'node:dns'
import { lookup as resolve } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import type { Dispatcher } from 'undici'
import { isInternalAddress } from '#core'
import { DebianError } from '../errors.ts'

/** How long a server may take, in milliseconds; and how many redirects are followed. */
export interface HttpLimits {
  readonly connect: number
  /** Between two pieces of an answer. */
  readonly idle: number
  readonly redirects: number
}

export const HTTP_LIMITS: HttpLimits = { connect: 10_000, idle: 30_000, redirects: 5 }

/** Proxies in place of those that the environment names. */
export interface HttpProxies {
  readonly httpProxy?: string
  readonly httpsProxy?: string
  readonly noProxy?: string
}

/** An answer whose body is still to be read. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: AsyncIterable<Uint8Array> & { dump(): Promise<void> }
}

/**
 * Asks HTTP servers, through the proxies that the environment names (`http_proxy`, `https_proxy`, `no_proxy`).
 * A redirect is followed only to http or https, never from https to http, and to a private or loopback address only
 * when the server that was asked first is on one itself.
 */
export class HttpClient {
  readonly #limits: HttpLimits
  readonly #proxies: HttpProxies
  #connections: Promise<Connections> | undefined

  constructor(limits: HttpLimits = HTTP_LIMITS, proxies: HttpProxies = {}) {
    this.#limits = limits
    this.#proxies = proxies
  }

  /** Sends a GET request. Throws `FETCH_REFUSED` for a redirect that is not followed, `FETCH_FAILED` for the rest. */
  async get(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<HttpAnswer> {
    let from = new URL(url)
    this.#connections ??= connect(this.#limits, this.#proxies)
    const { direct, guarded } = await this.#connections
    let dispatcher = direct
    for (let hops = 0; hops <= this.#limits.redirects; hops++) {
      const answer = await this.#ask(from, headers, signal, dispatcher)
      const location = answer.headers['location']
      if (![301, 302, 303, 307, 308].includes(answer.status)) return answer
      await answer.body.dump()
      const to = redirectTarget(from, typeof location === 'string' ? location : '')
      if (dispatcher === direct && !(await isPrivateHost(new URL(url).hostname))) dispatcher = guarded
      if (dispatcher === guarded && isPrivateName(to.hostname)) {
        throw refused(url, `it redirects to ${to.host}, a private address`)
      }
      from = to
    }
    throw refused(url, `it redirects more than ${this.#limits.redirects} times`)
  }

  async close(): Promise<void> {
    const connections = await this.#connections
    await Promise.all([connections?.direct.destroy(), connections?.guarded.destroy()])
  }

  async #ask(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    dispatcher: Dispatcher,
  ): Promise<HttpAnswer> {
    const { idle } = this.#limits
    const { request } = await undici()
    try {
      const {
        statusCode,
        headers: answered,
        body,
      } = await request(url.href, {
        headers: { 'user-agent': 'casemate', 'accept-encoding': 'identity', ...headers },
        signal,
        dispatcher,
        headersTimeout: idle,
        bodyTimeout: idle,
      })
      return { status: statusCode, headers: answered, body }
    } catch (cause) {
      throw fetchFault(url.href, cause)
    }
  }
}

/** Connections of one client; the guarded ones reach public addresses only. */
interface Connections {
  readonly direct: Dispatcher
  readonly guarded: Dispatcher
}

/** Loaded when something is to be fetched: a build whose packages are all at hand fetches nothing. */
const undici = () => import('undici')

async function connect({ connect: timeout }: HttpLimits, proxies: HttpProxies): Promise<Connections> {
  const { EnvHttpProxyAgent } = await undici()
  return {
    direct: new EnvHttpProxyAgent({ ...proxies, connect: { timeout }, connections: 8 }),
    guarded: new EnvHttpProxyAgent({ ...proxies, connect: { timeout, lookup: publicLookup } }),
  }
}

/** Gives the error of this module for whatever a request or its body threw; one of this module stays as it is. */
export function fetchFault(url: string, cause: unknown): DebianError {
  if (cause instanceof DebianError) return cause
  const inner = cause instanceof Error && cause.cause instanceof DebianError ? cause.cause : undefined
  if (inner !== undefined) return inner
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause)
  return new DebianError('FETCH_FAILED', `cannot fetch ${url}: ${reason}`, { cause })
}

/** The URL that a redirect leads to. Throws `FETCH_REFUSED` for another protocol, or for http from https. */
export function redirectTarget(from: URL, location: string): URL {
  const to = location === '' ? null : URL.parse(location, from.href)
  if (to === null) throw refused(from.href, `it redirects to "${location}", which is no URL`)
  if (to.protocol !== 'http:' && to.protocol !== 'https:') throw refused(from.href, `it redirects to ${to.protocol}`)
  if (from.protocol === 'https:' && to.protocol === 'http:') throw refused(from.href, 'it redirects from https to http')
  return to
}

/** What the name alone tells; names that resolve to a private address are caught when the connection is made. */
function isPrivateName(hostname: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, '')
  return isIP(name) === 0 ? /(^|\.)localhost\.?$/.test(name) : isInternalAddress(name)
}

async function isPrivateHost(hostname: string): Promise<boolean> {
  if (isPrivateName(hostname)) return true
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) return false
  // Behind a proxy a name may not resolve here; then nothing speaks for a private mirror.
  const addresses = await resolve(hostname, { all: true }).catch(() => [])
  return addresses.some(({ address }) => isInternalAddress(address))
}

/** Resolves a name as `dns.lookup` does, but fails with `FETCH_REFUSED` when one of its addresses is private. */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const refusal = addresses?.some(({ address }) => isInternalAddress(address))
      ? refused(hostname, 'a redirect leads to it, and it is on a private address')
      : null
    if (options.all === true) callback(error ?? refusal, addresses)
    else callback(error ?? refusal, addresses?.[0]?.address ?? '', addresses?.[0]?.family)
  })
}

function refused(url: string, reason: string): DebianError {
  return new DebianError('FETCH_REFUSED', `cannot fetch ${url}: ${reason}`)
}
