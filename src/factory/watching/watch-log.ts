import type { Json } from '#core'
import type { Moment } from '../moment.ts'

/** What a watcher has come to. */
export interface Watched {
  /** Grows with every step. */
  readonly revision: number
  readonly state: Json
  /** A list that is too long for `state`, in whatever form the watcher writes it. */
  readonly content: Uint8Array | undefined
}

/** Where watchers start comparing, so that neither a restart nor a lost poll loses anything. */
export interface WatchLog {
  /** Gives what a watch has come to; `undefined` for one that was never moved. */
  read(watch: string): Promise<Watched | undefined>
  /**
   * Moves a watch on from the revision that was read, 0 for none. Resolves to `false`, having changed nothing, where another was
   * first: whoever is second reads and compares again. Belongs into one transaction with the events of the step.
   */
  move(watch: string, from: number, to: WatchStep): Promise<boolean>
  /** What every watch whose name starts so has come to, without contents, by name. */
  states(prefix: string): Promise<ReadonlyMap<string, Json>>
}

/** Where a watch is moved to. */
export interface WatchStep {
  readonly state: Json
  /** `undefined` keeps the content that is there. */
  readonly content?: Uint8Array | undefined
  readonly at: Moment
}
