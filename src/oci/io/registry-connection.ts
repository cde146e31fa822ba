import { OciError } from '../errors.ts'
import { parseDocument } from '../json-document.ts'
import { EXTENSIONS_HEADER } from '../registry/contents.ts'
import { findAuthorities } from './authorities.ts'
import { type Credentials, findCredentials } from './credentials.ts'
import { RegistryAuthority } from './registry-authority.ts'
import {
  type HttpPolicy,
  type HttpRequest,
  type HttpResponse,
  isLoopback,
  isPassing,
  isUnreachable,
  isUntrusted,
  RegistryHttp,
} from './registry-http.ts'

/** How a registry is spoken to. */
export interface RegistryOptions {
  /** Instead of what the credential files and helpers of this user say; `null` for none. */
  readonly credentials?: Credentials | null
  /** Certificates, PEM, of authorities that are trusted besides Node's own and those that `certs.d` has for the registry. */
  readonly authorities?: readonly string[]
  /** Lets this registry be spoken to without TLS; one on this machine always may be. */
  readonly insecure?: boolean
  /** Ends everything that is under way. */
  readonly signal?: AbortSignal
  /** The most time for everything that the client does, in milliseconds; an hour unless said. */
  readonly deadline?: number
  readonly policy?: Partial<Omit<HttpPolicy, 'signal'>>
}

/** A request to a path under `/v2/`, or to a whole address that the registry gave. */
export interface RegistryRequest extends Omit<HttpRequest, 'url'> {
  readonly target: string | URL
  /** What the request needs to be allowed, e.g. `repository:NAME:pull`. */
  readonly scopes: readonly string[]
}

const POLICY = { tries: 5, backOff: 500, longestWait: 60_000, silence: 60_000, chunk: 64 * 1024 * 1024 }
const HOUR = 3_600_000
const MAX_REDIRECTS = 5
const ERROR_BYTES = 64 * 1024

/** Registries whose API is on another host than their name. */
const API_HOSTS: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' }

/** What the first answer of a registry told. */
interface Opened {
  readonly origin: URL
  readonly authority: RegistryAuthority
  /** What it says that it has besides distribution-spec, as ours do. */
  readonly extensions: readonly string[]
}

/** One registry: which scheme it speaks, how it wants to be asked, what it lets us do (distribution-spec §API). */
export class RegistryConnection {
  readonly registry: string
  readonly http: RegistryHttp
  readonly #options: RegistryOptions
  #opened: Promise<Opened> | undefined

  constructor(registry: string, options: RegistryOptions = {}) {
    this.registry = registry
    this.#options = options
    const deadline = AbortSignal.timeout(options.deadline ?? HOUR)
    const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline
    const authorities = async () => [...(await findAuthorities(registry)), ...(options.authorities ?? [])]
    this.http = new RegistryHttp({ ...POLICY, ...options.policy, signal }, authorities)
  }

  async close(): Promise<void> {
    await this.http.close()
  }

  /** Whether the registry says of itself that it has something besides distribution-spec. Rejects as `send` does. */
  async offers(extension: string, repository: string): Promise<boolean> {
    this.#opened ??= this.#open(repository)
    return (await this.#opened).extensions.includes(extension)
  }

  /**
   * Gives the answer, with redirects of HEAD and GET followed, after authentication where the registry asks for it.
   * Credentials go to the registry's own origin and its token service only. Rejects with `REGISTRY_REFUSED` for
   * 401 and 403, `REGISTRY_UNREACHABLE`, `REGISTRY_FAILED`; any other status is the caller's to judge.
   */
  async send(message: RegistryRequest, repository: string): Promise<HttpResponse> {
    this.#opened ??= this.#open(repository)
    const { origin, authority } = await this.#opened
    const url = new URL(String(message.target), new URL('/v2/', origin))
    for (let tried = 1; ; tried++) {
      const authorization = await authority.authorization(message.scopes)
      const response = await this.#follow({ ...message, url }, { origin, authorization })
      if (response.status === 401 && tried === 1) {
        authority.learn(response)
        await authority.forget(message.scopes, authorization)
        await response.drop()
        continue
      }
      if (response.status !== 401 && response.status !== 403) return response
      throw await this.failure(response, `${message.method} ${url.pathname}`)
    }
  }

  /** Asks the registry who we are to it. Rejects with `REGISTRY_REFUSED` unless it asks for credentials and takes ours. */
  async logIn(): Promise<void> {
    const response = await this.send({ method: 'GET', target: '/v2/', scopes: [], retry: true }, '')
    if (response.status !== 200) throw await this.failure(response, 'log in')
    await response.drop()
    const isAsked = (await this.#opened)?.authority.isAsked
    if (isAsked) return
    const reason = 'it lets everybody in, so nobody can say whether these credentials are right'
    throw new OciError('REGISTRY_REFUSED', `cannot log in to ${this.registry}: ${reason}`)
  }

  /** Makes an error of an answer: what was tried, the status, and the registry's own words. Drops the body. */
  async failure(response: HttpResponse, action: string): Promise<OciError> {
    const refused = response.status === 401 || response.status === 403
    const words = await errorWords(response)
    const code = refused ? 'REGISTRY_REFUSED' : isPassing(response.status) ? 'REGISTRY_UNREACHABLE' : 'REGISTRY_FAILED'
    return new OciError(code, `cannot ${action} at ${this.registry}: status ${response.status}${words}`)
  }

  async #follow(
    message: RegistryRequest & { url: URL },
    { origin, authorization }: { origin: URL; authorization: string | undefined },
  ): Promise<HttpResponse> {
    let { url } = message
    for (let redirects = 0; ; redirects++) {
      this.#checkAddress(url, origin)
      const known = authorization !== undefined && url.origin === origin.origin
      const headers = { ...message.headers, ...(known ? { authorization } : {}) }
      const response = await this.http.send({ ...message, url, headers })
      const location = isRedirect(response.status) ? response.header('location') : undefined
      if (location === undefined || (message.method !== 'GET' && message.method !== 'HEAD')) return response
      await response.drop()
      if (redirects === MAX_REDIRECTS || !URL.canParse(location, url.href)) {
        throw new OciError(
          'REGISTRY_FAILED',
          `cannot follow ${this.registry}: more than ${MAX_REDIRECTS} redirects, or to nowhere`,
        )
      }
      url = new URL(location, url)
    }
  }

  /** Finds out the scheme and the first challenge by asking for `/v2/` (distribution-spec §end-1). */
  async #open(repository: string): Promise<Opened> {
    const host = API_HOSTS[this.registry] ?? this.registry
    const { response, origin } = await this.#ping(host)
    await response.drop()
    if (response.status !== 200 && response.status !== 401) throw await this.failure(response, 'use the registry API')
    const given = this.#options.credentials
    const credentials =
      given === undefined ? await findCredentials({ registry: this.registry, repository }) : (given ?? undefined)
    const checkAddress = (url: URL) => this.#checkAddress(url, origin)
    const authority = new RegistryAuthority({ http: this.http, registry: this.registry, credentials, checkAddress })
    authority.learn(response)
    const extensions = (response.header(EXTENSIONS_HEADER) ?? '').split(',').map((word) => word.trim())
    return { origin, authority, extensions }
  }

  async #ping(host: string): Promise<{ response: HttpResponse; origin: URL }> {
    const secure = new URL(`https://${host}`)
    const mayBePlain = this.#options.insecure === true || isLoopback(secure.hostname)
    try {
      return { response: await this.#get(secure, !mayBePlain), origin: secure }
    } catch (error) {
      this.http.throwIfEnded()
      if (!isUnreachable(error)) throw error
      if (isUntrusted(error)) throw this.#untrusted(error)
      if (!mayBePlain) throw error
      const plain = new URL(`http://${host}`)
      const response = await this.#get(plain, true)
      // What a TLS server says to plain HTTP: then the fault is in the TLS that we tried first.
      if (response.status === 400) throw error
      return { response, origin: plain }
    }
  }

  #get(origin: URL, retry: boolean): Promise<HttpResponse> {
    return this.http.send({ method: 'GET', url: new URL('/v2/', origin), retry })
  }

  #untrusted(cause: Error): OciError {
    // Node has advice of its own, behind a semicolon, which is about Node's options.
    const reason = cause.message.split(';')[0]
    const advice = `if a private authority has signed it, put that one's certificate into certs.d/${this.registry}`
    return new OciError('REGISTRY_UNREACHABLE', `${reason}; ${advice} (containers-certs.d(5))`, { cause })
  }

  /** Allows TLS everywhere; plain HTTP only where the registry itself is spoken to by it, and then here or there. */
  #checkAddress(url: URL, origin: URL): void {
    if (url.protocol === 'https:') return
    const plain = url.protocol === 'http:' && origin.protocol === 'http:'
    if (plain && (url.hostname === origin.hostname || isLoopback(url.hostname))) return
    throw new OciError(
      'REGISTRY_FAILED',
      `cannot follow ${this.registry} to ${url.origin}: that is not protected by TLS`,
    )
  }
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

/** The errors of a reply as the registry words them (distribution-spec §error-codes), or nothing. */
async function errorWords(response: HttpResponse): Promise<string> {
  try {
    const reply = parseDocument(await response.bytes(ERROR_BYTES), 'reply')
    const words = reply.objects('errors').map((error) => {
      return `${error.optionalText('code') ?? ''} ${error.optionalText('message') ?? ''}`.trim()
    })
    return words.length === 0 ? '' : ` (${words.join('; ').slice(0, 500)})`
  } catch {
    // The status says enough: many registries and proxies answer with a page.
    return ''
  }
}
