import { type Challenge, parseChallenges } from '../challenge.ts'
import { OciError } from '../errors.ts'
import { type JsonObject, parseDocument } from '../json-document.ts'
import type { Credentials } from './credentials.ts'
import type { HttpResponse, RegistryHttp } from './registry-http.ts'

const TOKEN_BYTES = 1024 * 1024
const CLIENT_ID = 'casemate'
/** How long a token lasts whose reply does not say, and how long before its end it counts as old. In seconds. */
const USUAL_LIFETIME = 60
const MARGIN = 10

interface AccessToken {
  readonly token: string
  /** In milliseconds since the epoch. */
  readonly expires: number
}

/** What an authority needs to know of the registry it speaks for. */
export interface AuthorityOptions {
  readonly http: RegistryHttp
  readonly registry: string
  readonly credentials: Credentials | undefined
  /** Throws for an address that secrets must not be sent to. */
  readonly checkAddress: (url: URL) => void
}

/**
 * Gives the `Authorization` of requests to one registry, as its challenges ask: Basic, or Bearer with tokens of the
 * service that the registry names (distribution "Token Authentication"), one for each set of scopes.
 */
export class RegistryAuthority {
  readonly #options: AuthorityOptions
  readonly #tokens = new Map<string, Promise<AccessToken>>()
  #challenge: Challenge | undefined

  constructor(options: AuthorityOptions) {
    this.#options = options
  }

  /** Whether the registry has asked who we are. */
  get isAsked(): boolean {
    return this.#challenge !== undefined
  }

  /** Takes note of the challenge in a registry's answer. Throws `REGISTRY_REFUSED` for one that we cannot meet. */
  learn(response: HttpResponse): void {
    const challenges = parseChallenges(response.header('www-authenticate') ?? '')
    const challenge =
      challenges.find(({ scheme }) => scheme === 'bearer') ?? challenges.find(({ scheme }) => scheme === 'basic')
    if (response.status !== 401) return
    if (!challenge) throw this.#refused('it asks for authentication in a way other than Basic and Bearer')
    this.#challenge = challenge
  }

  /** Forgets the token behind an `authorization` for these scopes that the registry no longer takes. */
  async forget(scopes: readonly string[], authorization: string | undefined): Promise<void> {
    const key = scopes.join(' ')
    const held = this.#tokens.get(key)
    if (held && `Bearer ${(await held).token}` === authorization) this.#drop(key, held)
  }

  /**
   * Gives the header's value for requests within these scopes (`repository:NAME:pull,push`), or `undefined` for an open
   * registry. Rejects with `REGISTRY_REFUSED`, `REGISTRY_FAILED`, `REGISTRY_UNREACHABLE`.
   */
  async authorization(scopes: readonly string[]): Promise<string | undefined> {
    const { credentials } = this.#options
    if (!this.#challenge) return undefined
    if (this.#challenge.scheme === 'bearer') {
      const token = credentials?.kind === 'registry-token' ? credentials : await this.#token(this.#challenge, scopes)
      return `Bearer ${token.token}`
    }
    if (credentials?.kind === 'password') return basic(credentials.username, credentials.password)
    throw this.#refused('it asks for a user name and a password, and none are kept')
  }

  /** The token for these scopes; those who ask at the same time share one. */
  async #token(challenge: Challenge, scopes: readonly string[]): Promise<AccessToken> {
    const key = scopes.join(' ')
    const held = this.#tokens.get(key)
    if (!held) {
      const fetched = this.#fetchToken(challenge, scopes)
      this.#tokens.set(key, fetched)
      fetched.catch(() => this.#drop(key, fetched))
      return fetched
    }
    const token = await held
    if (token.expires > Date.now()) return token
    this.#drop(key, held)
    return this.#token(challenge, scopes)
  }

  #drop(key: string, token: Promise<AccessToken>): void {
    if (this.#tokens.get(key) === token) this.#tokens.delete(key)
  }

  async #fetchToken({ parameters }: Challenge, scopes: readonly string[]): Promise<AccessToken> {
    const { http, checkAddress, credentials } = this.#options
    const realm = parameters.get('realm') ?? ''
    if (!URL.canParse(realm)) throw this.#refused(`its token service "${realm}" is no address`)
    const url = new URL(realm)
    checkAddress(url)
    const service = parameters.get('service')
    const response = await http.send(tokenRequest(url, { service, scopes, credentials }))
    const bytes = await response.bytes(TOKEN_BYTES)
    if (response.status !== 200) {
      throw this.#refused(
        `its token service ${url.origin} answers ${response.status}${scopes.length === 0 ? '' : ` for "${scopes.join(' ')}"`}`,
      )
    }
    return readToken(parseDocument(bytes, `the reply of token service ${url.origin}`))
  }

  #refused(reason: string): OciError {
    return new OciError('REGISTRY_REFUSED', `cannot log in to ${this.#options.registry}: ${reason}`)
  }
}

interface TokenWish {
  readonly service: string | undefined
  readonly scopes: readonly string[]
  readonly credentials: Credentials | undefined
}

function tokenRequest(url: URL, { service, scopes, credentials }: TokenWish) {
  if (credentials?.kind === 'identity-token') {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: CLIENT_ID,
      refresh_token: credentials.token,
      scope: scopes.join(' '),
      ...(service === undefined ? {} : { service }),
    })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return { method: 'POST', url, headers, body: Buffer.from(form.toString()), retry: true } as const
  }
  const asked = new URL(url)
  if (service !== undefined) asked.searchParams.set('service', service)
  for (const scope of scopes) asked.searchParams.append('scope', scope)
  if (credentials?.kind !== 'password') return { method: 'GET', url: asked, retry: true } as const
  asked.searchParams.set('account', credentials.username)
  const headers = { authorization: basic(credentials.username, credentials.password) }
  return { method: 'GET', url: asked, headers, retry: true } as const
}

/** `token` or, as OAuth 2 has it, `access_token`; `expires_in` in seconds. */
function readToken(reply: JsonObject): AccessToken {
  const token = reply.optionalText('token') ?? reply.text('access_token')
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new OciError('REGISTRY_FAILED', `cannot use ${reply.place}: its token is no token`)
  const lifetime = reply.has('expires_in') ? reply.size('expires_in') : USUAL_LIFETIME
  return { token, expires: Date.now() + Math.max(lifetime - MARGIN, 0) * 1000 }
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
