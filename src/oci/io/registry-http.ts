import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { messageOf } from '#core'
import { OciError } from '../errors.ts'

/** A request to a registry or its token service. A body that is a function is called once for every try. */
export interface HttpRequest {
  readonly method: 'HEAD' | 'GET' | 'POST' | 'PUT' | 'PATCH'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | (() => AsyncIterable<Uint8Array>)
  /** Tries again after a fault that may pass: only for requests that may arrive twice. */
  readonly retry?: boolean
}

/** An answer. The body must be read or dropped. */
export interface HttpResponse {
  readonly status: number
  readonly url: URL
  header(name: string): string | undefined
  readonly body: AsyncIterable<Uint8Array>
  /** Reads the body as far as `limit` bytes. Rejects with `REGISTRY_FAILED` for more. */
  bytes(limit: number): Promise<Uint8Array>
  drop(): Promise<void>
}

/** How long, how often and how much at once a client tries; times in milliseconds. */
export interface HttpPolicy {
  /** How many times a request is sent at most. */
  readonly tries: number
  /** The wait after the first fault; it doubles with each. */
  readonly backOff: number
  /** The longest wait that a server may ask for by Retry-After. */
  readonly longestWait: number
  /** How long a server may stay silent. */
  readonly silence: number
  /** The most bytes of a blob that are sent in one request. */
  readonly chunk: number
  /** Ends everything, waits included. */
  readonly signal: AbortSignal
}

/** Statuses of faults that may pass (RFC 9110 §15, RFC 6585 §4). */
const PASSING = new Set([408, 429, 500, 502, 503, 504])

/** Gives certificates, PEM, of authorities to trust besides Node's own; asked when the first connection is made. */
export type FindAuthorities = () => Promise<readonly string[]>

/** Sends requests over kept connections, through the proxies that the environment names. */
export class RegistryHttp {
  readonly policy: HttpPolicy
  readonly #findAuthorities: FindAuthorities
  #connections: Promise<Connections> | undefined

  constructor(policy: HttpPolicy, findAuthorities: FindAuthorities) {
    this.policy = policy
    this.#findAuthorities = findAuthorities
  }

  /**
   * Gives the answer, whatever its status; a redirect is not followed. Rejects with `REGISTRY_UNREACHABLE` when there
   * is none, with the error of the request's body, or with the reason of the policy's signal.
   */
  async send(message: HttpRequest): Promise<HttpResponse> {
    const tries = message.retry ? this.policy.tries : 1
    for (let tried = 1; ; tried++) {
      const last = tried >= tries
      let wait = this.policy.backOff * 2 ** (tried - 1)
      try {
        const response = await this.#exchange(message)
        if (last || !isPassing(response.status)) return response
        wait = Math.max(wait, retryAfter(response))
        await response.drop()
      } catch (error) {
        this.throwIfEnded()
        if (last || !isUnreachable(error) || isUntrusted(error)) throw error
      }
      await this.pause(wait)
    }
  }

  /** Waits, a little longer or shorter so that clients do not come back all at once. */
  async pause(milliseconds: number): Promise<void> {
    const { signal, longestWait } = this.policy
    this.throwIfEnded()
    const wait = Math.min(milliseconds, longestWait) * (0.75 + Math.random() / 2)
    await new Promise<void>((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        reject(endReason(signal))
      }
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', end)
        resolve()
      }, wait)
      signal.addEventListener('abort', end, { once: true })
    })
  }

  /** Throws when the deadline has passed (`REGISTRY_UNREACHABLE`) or the caller has aborted (its reason). */
  throwIfEnded(): void {
    if (this.policy.signal.aborted) throw endReason(this.policy.signal)
  }

  async close(): Promise<void> {
    // Where connecting failed, the request said so.
    const connections = await this.#connections?.catch(() => undefined)
    await Promise.all([connections?.direct.destroy(), connections?.proxied.destroy()])
  }

  async #exchange({ method, url, headers, body }: HttpRequest): Promise<HttpResponse> {
    const { signal } = this.policy
    const sent = typeof body === 'function' ? Readable.from(body()) : (body ?? null)
    try {
      this.#connections ??= connect(this.policy, this.#findAuthorities)
      const { direct, proxied } = await this.#connections
      const dispatcher = isLoopback(url.hostname) ? direct : proxied
      const { request } = await undici()
      const reply = await request(url, {
        method,
        headers: { 'user-agent': 'casemate', ...headers },
        body: sent,
        dispatcher,
        signal,
      })
      return responseOf(url, reply)
    } catch (cause) {
      this.throwIfEnded()
      throw unreachable(url, cause)
    }
  }
}

/** Connections of one client: to this machine, and through the proxies that the environment names. */
interface Connections {
  readonly direct: Dispatcher
  readonly proxied: Dispatcher
}

/** Loaded when a registry is asked: most builds write to a folder. */
const undici = () => import('undici')

async function connect({ silence }: HttpPolicy, findAuthorities: FindAuthorities): Promise<Connections> {
  const authorities = await findAuthorities()
  const { Agent, EnvHttpProxyAgent } = await undici()
  const timeouts = { headersTimeout: silence, bodyTimeout: silence, connectTimeout: silence }
  if (authorities.length === 0) return { direct: new Agent(timeouts), proxied: new EnvHttpProxyAgent(timeouts) }
  const { createSecureContext, getCACertificates } = await import('node:tls')
  // One context for all connections: reading some hundred certificates for each would take longer than the connection.
  const secureContext = createSecureContext({ ca: [...getCACertificates('default'), ...authorities] })
  const secure = { ...timeouts, connect: { secureContext, timeout: silence } }
  return {
    direct: new Agent(secure),
    proxied: new EnvHttpProxyAgent({ ...secure, requestTls: { secureContext } }),
  }
}

/** Tells whether a status says that the same request may succeed later. */
export function isPassing(status: number): boolean {
  return PASSING.has(status)
}

/** Tells whether an error says that no answer came. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof OciError && error.code === 'REGISTRY_UNREACHABLE'
}

/** Tells whether no answer came because nobody that we trust vouches for the server's certificate, or not for its name. */
export function isUntrusted(error: unknown): error is Error {
  if (!isUnreachable(error) || !(error instanceof OciError) || !(error.cause instanceof Error)) return false
  const code = 'code' in error.cause ? String(error.cause.code) : ''
  return /^(?:CERT_|DEPTH_ZERO_|ERR_TLS_CERT_|SELF_SIGNED_|UNABLE_TO_)/.test(code)
}

/** Tells whether a host name or address, as in a URL, is this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}

function responseOf(url: URL, { statusCode, headers, body }: Dispatcher.ResponseData): HttpResponse {
  return {
    status: statusCode,
    url,
    header: (name) => [headers[name]].flat()[0],
    body: readBody(url, body),
    bytes: async (limit) => {
      const chunks: Uint8Array[] = []
      let size = 0
      for await (const chunk of readBody(url, body)) {
        size += chunk.length
        if (size > limit)
          throw new OciError('REGISTRY_FAILED', `cannot read ${shown(url)}: the reply is over ${limit} bytes`)
        chunks.push(chunk)
      }
      return Buffer.concat(chunks)
    },
    drop: () => body.dump({ limit: 64 * 1024 }),
  }
}

async function* readBody(url: URL, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (cause) {
    throw unreachable(url, cause)
  }
}

/** A token or an upload's state stands in the query, so it is never shown. */
function shown(url: URL): string {
  return `${url.origin}${url.pathname}`
}

function unreachable(url: URL, cause: unknown): OciError {
  if (cause instanceof OciError) return cause
  const reason = messageOf(cause)
  return new OciError('REGISTRY_UNREACHABLE', `cannot reach ${shown(url)}: ${reason}`, { cause })
}

/** Why everything ended: the deadline is a fault of ours to word, an abort is the caller's own. */
function endReason(signal: AbortSignal): unknown {
  const { reason } = signal
  if (!(reason instanceof DOMException) || reason.name !== 'TimeoutError') return reason
  return new OciError('REGISTRY_UNREACHABLE', 'cannot go on with the registry: the deadline has passed', {
    cause: reason,
  })
}

/** The wait that a server asks for, in milliseconds: seconds or an HTTP date (RFC 9110 §10.2.3). */
export function retryAfter(response: HttpResponse): number {
  const value = response.header('retry-after') ?? ''
  if (/^\d+$/.test(value)) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? 0 : Math.max(0, date - Date.now())
}
