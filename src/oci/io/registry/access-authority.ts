import { randomBytes, randomUUID } from 'node:crypto'
import type { AccessRules } from '../../registry/access.ts'
import { Refusal } from '../../registry/refusal.ts'
import { formatToken, readScopes, type TokenGrant, verifyToken } from '../../registry/token.ts'
import type { Exchange, Identity } from './exchange.ts'
import { PasswordCheck } from './password-check.ts'
import type { Action, Authority } from './serving.ts'

/** Who is known, what they may do, and how they say who they are. */
export interface AccessSettings {
  readonly rules: AccessRules
  /** Names and bcrypt hashes. */
  readonly users: ReadonlyMap<string, string>
}

/** How clients authenticate. */
export interface AccessOptions {
  /** `token`: for a password there is a token, which allows for some minutes what was asked for. `basic`: a password each time. */
  readonly scheme: 'token' | 'basic'
  /** The registry's address as clients see it, where a proxy stands before it. */
  readonly publicUrl?: string
  /** Whether clients speak TLS to this very server. */
  readonly isSecure: boolean
}

const SERVICE = 'casemate-registry'
const TOKEN_SECONDS = 300
const ACTIONS: readonly Action[] = ['pull', 'push', 'delete']

/**
 * Rights by an access file. A token says who somebody is and what it was issued for; what its user may do is looked up
 * again for every request, so that a right that was taken away is gone at once.
 */
export class AccessAuthority implements Authority {
  readonly #options: AccessOptions
  readonly #secret = randomBytes(32)
  readonly #passwords: PasswordCheck
  #settings: AccessSettings

  constructor(settings: AccessSettings, options: AccessOptions) {
    this.#settings = settings
    this.#options = options
    this.#passwords = new PasswordCheck(() => this.#settings.users)
  }

  /** Other rules and users from now on. */
  renew(settings: AccessSettings): void {
    this.#settings = settings
  }

  async identify(exchange: Exchange): Promise<Identity> {
    const header = exchange.header('authorization')
    if (header === undefined) return {}
    const token = /^Bearer +(\S+)$/i.exec(header)?.[1]
    if (token !== undefined) return this.#byToken(exchange, token)
    return { user: await this.#byPassword(exchange, header) }
  }

  allows({ user, granted }: Identity, repository: string, action: Action): boolean {
    return this.#settings.rules.allows(user, repository, action) && granted?.(repository, action) !== false
  }

  isAdmin({ user }: Identity): boolean {
    return this.#settings.rules.isAdmin(user)
  }

  /** A token's holder has asked already; a stranger is asked who he is, even where he may read some things. */
  isWelcome({ user, granted }: Identity): boolean {
    return granted !== undefined || (user !== undefined && this.#settings.rules.hasAny(user))
  }

  challenge(exchange: Exchange, scope?: string): Readonly<Record<string, string>> {
    if (this.#options.scheme === 'basic') return { 'www-authenticate': `Basic realm="${SERVICE}"` }
    const realm = `${this.#options.publicUrl ?? originOf(exchange, this.#options.isSecure)}/token`
    const wanted = scope === undefined ? '' : `,scope="${scope}"`
    return { 'www-authenticate': `Bearer realm="${realm}",service="${SERVICE}"${wanted}` }
  }

  /** Gives a token for as much of what is asked as whoever asks may do; Docker's token authentication, GET. */
  async issueToken(exchange: Exchange): Promise<void> {
    if (this.#options.scheme === 'basic' || (exchange.method !== 'GET' && exchange.method !== 'HEAD')) {
      throw new Refusal('UNSUPPORTED', 'tokens are issued for GET, by registries that use them', { status: 404 })
    }
    const header = exchange.header('authorization')
    const user = header === undefined ? undefined : await this.#byPassword(exchange, header)
    exchange.identity = user === undefined ? {} : { user }
    const now = Math.floor(Date.now() / 1000)
    const access = readScopes(exchange.query.getAll('scope')).flatMap((scope) => this.#grant(user, scope))
    const claims = {
      iss: SERVICE,
      aud: SERVICE,
      sub: user ?? '',
      iat: now,
      exp: now + TOKEN_SECONDS,
      jti: randomUUID(),
      access,
    }
    const token = formatToken(claims, this.#secret)
    const reply = {
      token,
      access_token: token,
      expires_in: TOKEN_SECONDS,
      issued_at: new Date(now * 1000).toISOString(),
    }
    exchange.sendJson(200, reply, { 'cache-control': 'no-store' })
  }

  #grant(user: string | undefined, { type, name, actions }: TokenGrant): TokenGrant[] {
    if (type === 'registry') return name === 'catalog' ? [{ type, name, actions: ['*'] }] : []
    const wanted = ACTIONS.filter((action) => actions.includes(action) || actions.includes('*'))
    const allowed = wanted.filter((action) => this.#settings.rules.allows(user, name, action))
    return allowed.length === 0 ? [] : [{ type, name, actions: allowed }]
  }

  #byToken(exchange: Exchange, token: string): Identity {
    const claims = verifyToken(token, this.#secret, { audience: SERVICE, now: Date.now() / 1000 })
    if (claims === undefined || (claims.sub !== '' && !this.#settings.users.has(claims.sub))) {
      throw this.#unauthorized(exchange, 'the token is not valid, or no longer')
    }
    const granted = (repository: string, action: string) =>
      claims.access.some(
        ({ type, name, actions }) => type === 'repository' && name === repository && actions.includes(action),
      )
    return claims.sub === '' ? { granted } : { user: claims.sub, granted }
  }

  async #byPassword(exchange: Exchange, header: string): Promise<string> {
    const [, encoded] = /^Basic +([A-Za-z0-9+/=]{1,2048})$/i.exec(header) ?? []
    const pair = Buffer.from(encoded ?? '', 'base64').toString('utf8')
    const colon = pair.indexOf(':')
    const user = pair.slice(0, Math.max(colon, 0))
    const isRight = colon > 0 && (await this.#passwords.isRight(user, pair.slice(colon + 1), exchange.client))
    if (!isRight) throw this.#unauthorized(exchange, 'the user name or password is wrong')
    return user
  }

  #unauthorized(exchange: Exchange, reason: string): Refusal {
    return new Refusal('UNAUTHORIZED', reason, { headers: this.challenge(exchange) })
  }
}

/** The origin that a client used, as it said itself; what cannot be one is not repeated. */
function originOf(exchange: Exchange, isSecure: boolean): string {
  const host = exchange.header('host') ?? ''
  const { localAddress = 'localhost', localPort } = exchange.request.socket
  const own = localAddress.includes(':') ? `[${localAddress}]:${localPort}` : `${localAddress}:${localPort}`
  return `${isSecure ? 'https' : 'http'}://${/^[A-Za-z0-9.-]+(?::\d{1,5})?$|^\[[0-9a-f:.]+\](?::\d{1,5})?$/i.test(host) ? host : own}`
}
