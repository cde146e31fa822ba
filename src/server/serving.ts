import type { Moment, Plan, ServiceLevels } from '#factory'
import type { OpenStore } from '#store'
import type { Caller } from './access/rights.ts'
import type { StandingMemory } from './page/standing-memory.ts'
import type { LedgerTail } from './stream/ledger-tail.ts'
import type { Warnings } from './warnings.ts'

/** Who wants something done, and why: it is noted with what is done. */
export interface Wish {
  readonly by: string
  readonly reason: string
}

/**
 * What the factory does at once on somebody's word; whoever runs it hands it in. What is left out runs elsewhere, and is refused
 * here. Rights were checked before. Each records and notes what it does itself.
 */
export interface FactoryCommands {
  /** Works out what would be done now about some images, or all that are known; changes nothing. */
  preview?(images: readonly string[] | undefined): Promise<Plan>
  /** Has a subject that is watched, e.g. `debian-13/trixie-security`, looked at now. Gives `false` for one that nobody watches. */
  look?(subject: string): Promise<boolean>
  /** Gives an image's tags back to an earlier release; gives the number of the release that says so. */
  rollback?(release: number, wish: Wish): Promise<number>
}

/** What all requests share. */
export interface Serving {
  readonly store: OpenStore
  readonly commands: FactoryCommands
  readonly tail: LedgerTail
  readonly standing: StandingMemory
  readonly warnings: Warnings
  /** Where images are pulled from, `HOST[:PORT][/PREFIX]`. */
  readonly registry: string
  /** The address that people and programs know this server by, without a slash at its end. */
  readonly url: string
  readonly version: string
  /** How often an open stream says that it lives, in milliseconds. */
  readonly pulse: number
  /** Whether who was let in would be let in again. */
  readonly isStillIn: (caller: Caller) => Promise<boolean>
  /** How long fixes may take. */
  readonly levels: ServiceLevels
  readonly now: () => Moment
  /** The text of `/metrics`. */
  readonly metrics: () => Promise<string>
  /** Why the server is not ready; `undefined` when it is. */
  readonly unready: () => Promise<string | undefined>
}
