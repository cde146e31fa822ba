import type { Digest, Json } from '#core'
import type { Moment } from './moment.ts'

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
