import type { Digest, Json } from '#core'
import type { Contract } from '#sandbox'
import type { Moment } from '../moment.ts'
import type { Reason } from '../plan.ts'
import type { FactoryStore } from '../ports.ts'
import type { NewRelease } from '../release.ts'
import type { StageName } from '../run.ts'
import type { FindingsOf } from '../telling/standing-findings.ts'
import type { StageJournal } from './stage-journal.ts'

/** The stages that make a candidate; the last one, `publish`, is the engine's own. */
export type MakingStage = Exclude<StageName, 'publish'>

/** What the stages of an image gave that are done. */
export type StageOutputs = Partial<Readonly<Record<MakingStage, Json>>>

/** An image of a run, with all that its next stage may go by. */
export interface StageWork {
  readonly run: number
  readonly image: string
  readonly reasons: readonly Reason[]
  readonly outputs: StageOutputs
  /** Of those that it is built on and that are in the same run: what their stages gave. */
  readonly parents: ReadonlyMap<string, StageOutputs>
}

/** A stage that is about to be done. */
export interface PreparedStage {
  /** Everything that it reads, as a value: with the same the stage gives the same, whichever run it is of. */
  readonly input: Json
  /** Does it; what was done before is done again without harm. Rejects where it could not be done. */
  perform(signal: AbortSignal): Promise<StageResult>
  /** Whether what it gave, at another time, is still there to go on with. */
  stands(output: Json): Promise<boolean>
}

/** What a stage came to: something to go on with, or a "no" that trying again does not change. */
export type StageResult =
  | { readonly kind: 'done'; readonly output: Json }
  | { readonly kind: 'refused'; readonly reason: string }

/** The stages of making an image. */
export interface Stages {
  /** Looks at what a stage reads. Rejects where that cannot be read. */
  prepare(stage: MakingStage, work: StageWork): Promise<PreparedStage>
  /** What is to be published of an image by its outputs, a release for each variant. */
  candidates(work: StageWork): Promise<readonly Candidate[]>
  /** What a variant promises, by what the stage `build` gave; `undefined` where that does not say it. For changelogs. */
  contractOf?(build: Json, variant: string): Contract | undefined
}

/** A release that is not published yet. */
export interface Candidate extends Omit<NewRelease, 'evidence' | 'released' | 'run' | 'restores'> {
  /** Where it lies by its digest: with the registry, e.g. `registry.example.org/python`. */
  readonly repository: string
  /** What was attached, and believed, when it passed its gate, by predicate type; where that is not on record all of it is read. */
  readonly attached?: Readonly<Record<string, Digest>>
}

/** A tag of a repository. */
export interface TagName {
  readonly repository: string
  readonly tag: string
}

/** A tag that is to name another manifest than it does; `undefined` for one that is not there. */
export interface TagMove extends TagName {
  readonly expected: Digest | undefined
  readonly next: Digest
}

/** Where releases are published. */
export interface Publisher {
  /** What tags name now, in the order given. */
  resolve(tags: readonly TagName[]): Promise<readonly (Digest | undefined)[]>
  /**
   * Sees to it that a digest and all manifests below it are there, signed by who publishes; gives the digests of what is attached, by
   * predicate type. Rejects otherwise: nothing else may get a tag.
   */
  verify(
    candidate: Pick<Candidate, 'image' | 'repository' | 'digest' | 'manifests' | 'attached'>,
  ): Promise<Readonly<Record<string, Digest>>>
  /**
   * Moves tags: all or none where the registry can, one after the other elsewhere, so that what broke off is done again. Gives
   * `false`, having moved none, when one does not name what is expected.
   */
  move(moves: readonly TagMove[]): Promise<boolean>
}

/** The time, and waiting. */
export interface EngineClock {
  now(): Moment
  /** Resolves after so many milliseconds, or when the signal says so. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>
}

/** What an engine works with. */
export interface EnginePorts {
  readonly store: FactoryStore
  readonly stages: Stages
  readonly publisher: Publisher
  readonly clock: EngineClock
  /** Whether what was thrown may be another thing at another time: network, disk. */
  canPass(error: unknown): boolean
  /** Who works, for people. */
  readonly worker: string
  /** Tells to begin nothing more: what is under way is ended, and the rest handed back. */
  readonly stopping?: AbortSignal
  /**
   * What is known of source packages when images are released, for their changelogs; resolves to `undefined` where nothing is. Closed when it
   * has been asked.
   */
  openFindings?(): Promise<{ readonly findingsOf: FindingsOf; close(): void } | undefined>
  /** Told of every step, for people. */
  onNews?(news: EngineNews): void
}

/** The same, with what an engine has for itself. */
export interface WorkingPorts extends EnginePorts {
  readonly journal: StageJournal
}

/** A step that somebody who watches wants to see. */
export type EngineNews = { readonly run: number; readonly image: string } & (
  | { readonly kind: 'started'; readonly stage: StageName }
  | { readonly kind: 'done'; readonly stage: StageName; readonly milliseconds: number; readonly isInherited: boolean }
  | { readonly kind: 'again'; readonly stage: StageName; readonly reason: string; readonly milliseconds: number }
  | { readonly kind: 'ended'; readonly state: 'done' | 'failed' | 'cancelled'; readonly reason: string }
)

/** How patient an engine is. */
export interface EngineSettings {
  /** How often a stage is tried that fails of what may pass. */
  readonly attempts: number
  /** Milliseconds until it is tried again, doubled each time. */
  readonly backOff: number
  /** Milliseconds that one attempt may take. */
  readonly timeOut: number
  /** How many workers may end at the same stage of the same image: it may be what ends them. */
  readonly deaths: number
  /** Images of a batch at a time. */
  readonly parallel: number
}

export const ENGINE_DEFAULTS: EngineSettings = {
  attempts: 5,
  backOff: 1000,
  timeOut: 30 * 60_000,
  deaths: 20,
  parallel: 8,
}
