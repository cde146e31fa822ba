import type { Digest, Json } from '#core'
import type { Moment } from './moment.ts'
import type { Reason } from './plan.ts'

/** The stages of a run, in their order. */
export const STAGES = ['lock', 'build', 'test', 'gate', 'publish'] as const
export type StageName = (typeof STAGES)[number]

/** Which piece of work a record is about. */
export type StageKey = {
  readonly run: number
  readonly image: string
  readonly stage: StageName
  /** From 1; a stage that is tried again is another attempt. */
  readonly attempt: number
}

/**
 * One step in the life of a stage. `input` is the digest of everything that the stage reads: a stage that was done with the
 * same input need not be done again, whichever run it was.
 */
export type StageRecord = StageKey & {
  readonly input: Digest
  /** Who did it, for people. */
  readonly worker: string
  readonly at: Moment
} & (
    | { readonly state: 'started' }
    | { readonly state: 'done'; readonly output: Json }
    | { readonly state: 'failed' | 'cancelled'; readonly reason: string }
  )

/** How far an image has come in a run. */
export type ImageProgress =
  | { readonly state: 'waiting' }
  | { readonly state: 'running'; readonly stage: StageName }
  | { readonly state: 'done' }
  | { readonly state: 'failed' | 'cancelled'; readonly stage: StageName; readonly reason: string }

/** How far an image has come, from all records of it in a run, in the order in which they were written. */
export function imageProgress(records: readonly StageRecord[]): ImageProgress {
  const last = records.at(-1)
  if (last === undefined) return { state: 'waiting' }
  if (last.state === 'failed' || last.state === 'cancelled') {
    return { state: last.state, stage: last.stage, reason: last.reason }
  }
  if (last.state === 'done' && last.stage === 'publish') return { state: 'done' }
  return { state: 'running', stage: last.stage }
}

/** What the queue carries: which batch of which run. Everything else stands in the tables. */
export type WorkMessage = { readonly run: number; readonly batch: number }

/**
 * What is done with the images of a batch: `make` takes each from its lock to its gate, `publish` moves the tags of all of
 * them together.
 */
export type WorkPhase = 'make' | 'publish'

/** Images that go to one worker together. */
export interface NewBatch {
  readonly phase: WorkPhase
  readonly images: readonly string[]
  /** Whether something of its family is made already: such work goes before that of families that nobody has begun. */
  readonly isBegun: boolean
}

/** How an image ended in a run. */
export interface ImageEnd {
  readonly image: string
  readonly state: 'done' | 'failed' | 'cancelled'
  /** Why it failed or was cancelled; of one that is done, what became of it. */
  readonly reason: string
  readonly at: Moment
}

/** An image of a run: what is wanted of it and how far it has come. */
export interface RunImage {
  readonly image: string
  /** Images of the same run that it is built on. */
  readonly after: readonly string[]
  readonly reasons: readonly Reason[]
  /** Phases that were handed to a worker. */
  readonly sent: readonly WorkPhase[]
  /** Whether its gate let it through, so that its tags may move. */
  readonly isCandidate: boolean
  readonly end: Pick<ImageEnd, 'state' | 'reason'> | undefined
}

/** Where a run stands. */
export interface RunState {
  readonly plan: number
  readonly started: Moment
  /** In the order of work; those that the plan holds are not among them. */
  readonly images: readonly RunImage[]
  /** Why it is to be given up. */
  readonly cancelled: Cancellation | undefined
}

/** A person's word that a run is to be given up. */
export interface Cancellation {
  readonly by: string
  readonly reason: string
}
