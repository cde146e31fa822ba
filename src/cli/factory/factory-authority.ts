import { randomBytes, timingSafeEqual } from 'node:crypto'
import { digestOf } from '#core'
import type { Authority } from '#oci/registry'
import { sees } from '#server'
import type { AccessToken, OpenStore } from '#store'

type Asking = Parameters<Authority['identify']>[0]
type Identity = Awaited<ReturnType<Authority['identify']>>

/** The name under which the factory itself pushes. */
const FACTORY = 'casemate'
const REALM = 'Basic realm="casemate"'

/**
 * Who may do what in the factory's own registry: the factory may push; whoever has a token may pull the images that it is for, and an
 * administrator's may push and delete them; everybody may pull where reading is open. A token is given as the password.
 */
export class FactoryAuthority implements Authority {
  /** How the factory says who it is; for as long as this process lives. */
  readonly password = randomBytes(32).toString('base64url')
  readonly #tokens: OpenStore['tokens']
  readonly #isOpen: boolean
  readonly #known = new Map<string, AccessToken>()

  constructor(tokens: OpenStore['tokens'], isOpen: boolean) {
    this.#tokens = tokens
    this.#isOpen = isOpen
  }

  /** What the factory sends, as credentials are kept (containers-auth.json(5)). */
  get credentials(): string {
    return Buffer.from(`${FACTORY}:${this.password}`).toString('base64')
  }

  async identify(exchange: Asking): Promise<Identity> {
    const header = exchange.request.headers.authorization
    if (header === undefined) return {}
    const password = passwordOf(header)
    if (isSame(password, this.password)) return { user: FACTORY }
    const token = await this.#tokens.find(digestOf(password))
    const isHeld =
      token !== undefined &&
      token.revoked === undefined &&
      (token.expires === undefined || token.expires > new Date().toISOString())
    // Who is nobody known has no right anywhere but what everybody has.
    if (!isHeld) return { user: 'unknown', granted: () => false }
    const user = `token ${token.id}`
    this.#known.set(user, token)
    return { user }
  }

  allows({ user, granted }: Identity, repository: string, action: Parameters<Authority['allows']>[2]): boolean {
    if (granted?.(repository, action) === false) return false
    if (user === FACTORY) return true
    const token = user === undefined ? undefined : this.#known.get(user)
    if (action === 'pull' && this.#isOpen) return true
    if (token === undefined || !sees(token.images, repository)) return false
    return action === 'pull' || token.role === 'admin'
  }

  isAdmin({ user }: Identity): boolean {
    return user === FACTORY || (user !== undefined && this.#known.get(user)?.role === 'admin')
  }

  isWelcome({ user, granted }: Identity): boolean {
    return granted === undefined && (this.#isOpen || user !== undefined)
  }

  challenge(): Readonly<Record<string, string>> {
    return { 'www-authenticate': REALM }
  }
}

function passwordOf(header: string): string {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]{1,2048})$/i.exec(header) ?? []
  const pair = Buffer.from(encoded ?? '', 'base64').toString('utf8')
  return pair.slice(pair.indexOf(':') + 1)
}

function isSame(one: string, other: string): boolean {
  const [left, right] = [digestOf(one), digestOf(other)].map((digest) => Buffer.from(digest))
  return left !== undefined && right !== undefined && timingSafeEqual(left, right)
}
