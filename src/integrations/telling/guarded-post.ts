import { lookup as resolveName } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, request } from 'undici'
import { isInternalAddress } from '#core'
import { IntegrationError } from '../errors.ts'

/** How long a webhook may take, in milliseconds, and how much of its answer is read. */
export interface PostLimits {
  readonly connect: number
  /** For the whole request. */
  readonly total: number
  readonly answerBytes: number
}

export const POST_LIMITS: PostLimits = { connect: 10_000, total: 20_000, answerBytes: 4096 }

/** Where to post, and whether its host was named as one that may be on an internal address. */
export interface PostTarget {
  readonly url: URL
  readonly mayBeInternal: boolean
}

/** What was answered. */
export interface PostAnswer {
  readonly status: number
  /** Milliseconds for which the receiver wants to be left alone. */
  readonly retryAfter: number | undefined
}

/**
 * Posts to addresses that others have chosen. The address that a connection is made to decides, when it is made: a name that resolves to
 * an internal address, now or later, is refused. No proxy is asked, because that one would resolve the name itself, and no
 * redirect is followed.
 */
export class GuardedPost {
  readonly #limits: PostLimits
  readonly #public: Agent
  readonly #any: Agent

  constructor(limits: PostLimits = POST_LIMITS, resolve: LookupFunction = resolveName) {
    this.#limits = limits
    const { connect: timeout, total } = limits
    const common = { headersTimeout: total, bodyTimeout: total, connections: 4, keepAliveTimeout: 10_000 }
    this.#public = new Agent({ ...common, connect: { timeout, lookup: publicLookup(resolve) } })
    this.#any = new Agent({ ...common, connect: { timeout, lookup: resolve } })
  }

  /**
   * Posts a body. Rejects with `WEBHOOK_REFUSED` where it would lead to an internal address, with `WEBHOOK_FAILED` where there is no
   * answer. Whatever status is answered is an answer.
   */
  async post(
    { url, mayBeInternal }: PostTarget,
    body: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<PostAnswer> {
    const place = url.host
    const name = url.hostname.replace(/^\[|\]$/g, '')
    // An address in place of a name is not looked up, so it is looked at here.
    if (!mayBeInternal && isIP(name) !== 0 && isInternalAddress(name)) throw refused(place, name)
    try {
      const answer = await request(url, {
        method: 'POST',
        body,
        headers: { 'user-agent': 'casemate', ...headers },
        dispatcher: mayBeInternal ? this.#any : this.#public,
        signal: AbortSignal.any([signal, AbortSignal.timeout(this.#limits.total)]),
      })
      await drain(answer.body, this.#limits.answerBytes)
      return { status: answer.statusCode, retryAfter: retryAfterOf(answer.headers['retry-after']) }
    } catch (cause) {
      signal.throwIfAborted()
      throw faultOf(place, cause)
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#public.destroy(), this.#any.destroy()])
  }
}

/** What is answered does not matter, but a connection is used again only when all of it was read. */
async function drain(body: AsyncIterable<Uint8Array>, limit: number): Promise<void> {
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > limit) return
  }
}

/** Resolves as `resolve` does, but fails when any of the addresses is internal: which of them is connected to is not ours to say. */
function publicLookup(resolve: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      const addresses = Array.isArray(found) ? found : []
      const internal = addresses.find(({ address }) => isInternalAddress(address))
      const fault = error ?? (internal === undefined ? null : refused(hostname, internal.address))
      if (options.all === true) callback(fault, addresses)
      else callback(fault, addresses[0]?.address ?? '', addresses[0]?.family)
    })
  }
}

function refused(place: string, address: string): IntegrationError {
  const reason = `it leads to ${address}, an internal address; its host can be named in \`allow-internal\``
  return new IntegrationError('WEBHOOK_REFUSED', `cannot tell the webhook at ${place}: ${reason}`)
}

function faultOf(place: string, cause: unknown): IntegrationError {
  if (cause instanceof IntegrationError) return cause
  const inner = cause instanceof Error && cause.cause instanceof IntegrationError ? cause.cause : undefined
  if (inner !== undefined) return inner
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause)
  return new IntegrationError('WEBHOOK_FAILED', `cannot tell the webhook at ${place}: ${reason}`, { cause })
}

/** Seconds or a date (RFC 9110, 10.2.3); what is neither is nothing. */
function retryAfterOf(header: string | readonly string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}
