import type { Exchange } from './exchange.ts'
import type { ManifestCache } from './manifest-cache.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { RegistryStore } from './store.ts'
import type { Uploads } from './uploads.ts'

/** What somebody may do in a repository. */
export type Action = 'pull' | 'push' | 'delete'

/** Who may do what. */
export interface Authority {
  /** Finds out who asks. Rejects with a `Refusal` of `UNAUTHORIZED` for credentials that are wrong. */
  identify(exchange: Exchange): Promise<Exchange['identity']>
  /** Whether somebody may do something in a repository. */
  allows(identity: Exchange['identity'], repository: string, action: Action): boolean
  /** Whether somebody may do what concerns the whole registry. */
  isAdmin(identity: Exchange['identity']): boolean
  /** Whether somebody may use the registry at all, to any extent. */
  isWelcome(identity: Exchange['identity']): boolean
  /** The headers by which whoever asked learns how to say who he is; none where nobody can. */
  challenge(exchange: Exchange, scope?: string): Readonly<Record<string, string>>
  /** Answers a request for a token. */
  issueToken?(exchange: Exchange): Promise<void>
}

/** What the requests of one registry share. */
export interface Serving {
  readonly store: RegistryStore
  readonly uploads: Uploads
  readonly manifests: ManifestCache
  readonly authority: Authority
  /** The most bytes of a blob. */
  readonly blobLimit: number
  /** For requests that bring many contents. */
  readonly bulk: MemoryBudget
}
