import type { Digest, Json } from '#core'
import type { DebVersion } from '#debian'
import type { Checkpoint } from './checkpoint.ts'
import type { ClockMark, FindingWay } from './clock.ts'
import type { Approval, Hold, NewHold } from './decision.ts'
import type { EventKind, FactoryEvent, NewEvent } from './event.ts'
import type { LedgerEntry, LedgerNote, LedgerTip } from './ledger.ts'
import type { Moment } from './moment.ts'
import type { Plan } from './plan.ts'
import type { FleetLog } from './planning/fleet-log.ts'
import type { HeldPackage, NewRelease, Release, TagIntent } from './release.ts'
import type { Cancellation, ImageEnd, NewBatch, RunState, StageName, StageRecord, WorkMessage } from './run.ts'
import type { Deliveries, Outbox } from './telling/outbox.ts'
import type { WatchLog } from './watching/watch-log.ts'

/** Whatever was noticed, in the order of recording. */
export interface EventLog {
  /** Records events; gives each with its number, in the order given. One whose key is known already keeps the first's word. */
  record(events: readonly NewEvent[]): Promise<readonly FactoryEvent[]>
  /** As `record`, but gives those events only that nobody had recorded before. */
  recordNew(events: readonly NewEvent[]): Promise<readonly FactoryEvent[]>
  /** Events that no plan answers yet, the oldest first. */
  open(limit: number): Promise<readonly FactoryEvent[]>
  /** Events of some kinds behind a number, at most `limit`, in the order of recording. */
  ofKinds(kinds: readonly EventKind[], after: number, limit: number): Promise<readonly FactoryEvent[]>
}

/** Plans that were made. */
export interface PlanLog {
  /** Records a plan; gives its number. Idempotent by `planDigest`. Rejects with `RECORD_REFUSED` for an event that is not recorded. */
  record(plan: Plan): Promise<number>
  /** The number of the plan with this `planDigest`; `undefined` when there is none. */
  find(digest: Digest): Promise<number | undefined>
  /** Gives a plan, or `undefined` when there is none of this number. */
  read(id: number): Promise<Plan | undefined>
}

/** Runs, and what became of their stages. */
export interface RunLog {
  /** Begins the run of a plan; gives its number. Idempotent: a plan is run once, whoever begins it and how often. */
  start(plan: number, started: Moment): Promise<number>
  /** Records steps of stages. Idempotent: an attempt comes to a state once, and the first word counts. */
  record(records: readonly StageRecord[]): Promise<void>
  /** Every record of a run, or of some of its images, in the order of recording. */
  records(run: number, images?: readonly string[]): Promise<readonly StageRecord[]>
  /** What a stage gave when it was last done with this input, in whichever run; `undefined` when it never was. */
  outputFor(stage: StageName, input: Digest): Promise<Json | undefined>
  /** What a stage gave that was done for images of runs, in no order; one that was not done is left out. */
  outputs(stage: StageName, places: readonly Pick<StageRecord, 'run' | 'image'>[]): Promise<readonly StageOutput[]>
  /** Asks that a run is given up: what is published stays. The first word counts. */
  cancel(run: number, cancellation: Cancellation & { readonly at: Moment }): Promise<void>
  /** Who asked for that, and why; `undefined` where nobody did. */
  cancellation(run: number): Promise<Cancellation | undefined>
}

/** What a stage gave for an image of a run. */
export interface StageOutput extends Pick<StageRecord, 'run' | 'image'> {
  readonly output: Json
}

/** What is to be done of runs, and what has ended. */
export interface WorkLog {
  /**
   * Where the images of a run stand; `undefined` when there is no such run. Who asks in a transaction is the only one who does until
   * it ends, so that what follows from the state is decided once.
   */
  state(run: number): Promise<RunState | undefined>
  /**
   * Hands batches of a run to whichever worker takes them, those of families that are begun first: when the transaction is durable, and
   * not without it.
   */
  send(run: number, batches: readonly NewBatch[]): Promise<void>
  /** The images of a batch; `undefined` when there is no such batch. */
  batch(message: WorkMessage): Promise<Omit<NewBatch, 'isBegun'> | undefined>
  /** Records that images have ended in a run. Of each the first word counts; gives those that had not ended before. */
  end(run: number, ends: readonly ImageEnd[]): Promise<readonly ImageEnd[]>
  /** Records that a run is over: nothing of it is open any more. Idempotent. */
  close(run: number, closed: Moment): Promise<void>
  /** Runs that are not over, the oldest first. */
  open(): Promise<readonly number[]>
  /** Sends again what was sent of a run and is neither done nor in the queue, as after a backup was restored. */
  resend(run: number): Promise<void>
}

/** Where workers get their work from. */
export interface WorkQueue {
  /**
   * Takes messages until it is stopped, so many at a time. Each is with one worker at a time; one whose worker ended, hung or
   * rejected is given to another, so whatever is done with it has to be idempotent. The signal tells that its time is over.
   */
  take(work: (message: WorkMessage, signal: AbortSignal) => Promise<void>, options: WorkOptions): Promise<TakenQueue>
}

export interface WorkOptions {
  /** Messages at a time. */
  readonly concurrency: number
  /** Told what goes wrong between the worker and the queue, which is tried again. */
  readonly onError: (error: unknown) => void
}

/** A queue that is being worked on. */
export interface TakenQueue {
  /** Takes nothing more; resolves when what was taken is done, or after `milliseconds`, when it goes back. */
  stop(milliseconds: number): Promise<void>
}

/** What was published. */
export interface ReleaseLog {
  /** Records releases, all or none; gives their numbers, in the order given. */
  record(releases: readonly NewRelease[]): Promise<readonly number[]>
  /** The release that an image and variant is at now; `undefined` when it has none. */
  latest(image: string, variant: string): Promise<Release | undefined>
  /** Releases of an image and variant, the newest first. */
  history(image: string, variant: string, limit: number): Promise<readonly Release[]>
  /** Which images are, or have a platform, of these digests, and when that was released for the first time. */
  ofDigests(digests: readonly Digest[]): Promise<readonly ReleasedDigest[]>
  /** In what releases differ from the ones before them of their image and variant, in the order given. */
  differences(releases: readonly number[]): Promise<readonly ReleaseDifference[]>
  /** The packages that manifests with these contents hold, by name and architecture; `undefined` where no release has them. */
  packages(contents: Digest): Promise<readonly HeldPackage[] | undefined>
  /** The variants of an image that were ever released, by name. */
  variants(image: string): Promise<readonly string[]>
  /** Gives the tags back to an earlier release, as a release of its own with the same content; gives its number. */
  restore(release: number, restored: { readonly tags: readonly string[]; readonly at: Moment }): Promise<number>
  /** Which of the latest releases hold a source package in a version below another, by Debian's order. */
  affected(question: AffectedQuestion): Promise<readonly AffectedImage[]>
}

/** A release, the one before it, and the packages that only one of them has. */
export interface ReleaseDifference {
  readonly release: Release
  /** `undefined` for the first. */
  readonly before: Release | undefined
  /** By platform, for those that both have: what has gone, and what has come. */
  readonly manifests: ReadonlyMap<
    string,
    { readonly gone: readonly HeldPackage[]; readonly come: readonly HeldPackage[] }
  >
}

/** An image that is, or was, of a digest. */
export interface ReleasedDigest {
  readonly digest: Digest
  readonly image: string
  readonly variant: string
  readonly released: Moment
}

/** What tags were to name: recorded before any is moved, so that whoever goes on after a crash knows what was meant. */
export interface IntentLog {
  /**
   * Records what tags are about to be moved. Of the same image, variant and run the first word counts; gives what
   * counts.
   */
  intend(intents: readonly TagIntent[]): Promise<readonly TagIntent[]>
  /** Every digest that tags of an image and variant were ever to name. */
  named(image: string, variant: string): Promise<ReadonlySet<Digest>>
}

/** The question of every fix. */
export interface AffectedQuestion {
  readonly archive: string
  readonly source: string
  /** The version with the fix. */
  readonly below: DebVersion
}

/** An image whose latest release holds packages that are older than a fix. */
export interface AffectedImage {
  readonly image: string
  readonly variant: string
  readonly platform: string
  /** Binary packages as `NAME VERSION`, sorted. */
  readonly packages: readonly string[]
}

/** What people decide. */
export interface DecisionLog {
  /** Gives the number of the hold. */
  hold(hold: NewHold): Promise<number>
  /** Ends a hold; who comes second with it changes nothing. Rejects with `RECORD_REFUSED` when there is no such hold. */
  endHold(hold: number, by: string, ended: Moment): Promise<void>
  /** Holds that nobody has ended and whose time has not run out at `now`, the oldest first. */
  holds(now: Moment): Promise<readonly Hold[]>
  approve(approval: Approval): Promise<void>
  /** Every word on a plan, in the order of giving. */
  approvals(plan: number): Promise<readonly Approval[]>
}

/** The marks that findings have come to. */
export interface ClockLog {
  /** Records marks. Of each finding, image and mark the first word counts for good. */
  record(marks: readonly ClockMark[]): Promise<void>
  /** All marks of an image. */
  ofImage(image: string): Promise<readonly ClockMark[]>
  /**
   * The ways of findings that are not published yet, or came to a mark since a moment; at most `limit` behind one, in the order
   * of image and finding.
   */
  ways(question: WayQuestion): Promise<readonly FindingWay[]>
}

/** Which ways of findings are asked for. */
export interface WayQuestion {
  /** `undefined` for all images. */
  readonly image?: string | undefined
  readonly since: Moment
  readonly after?: Pick<FindingWay, 'image' | 'finding'> | undefined
  readonly limit: number
}

/** The record that can be shown to others: hash-chained and complete. */
export interface Ledger {
  /** Appends notes, all or none; gives the entries. Writers wait for each other, so it belongs at the end of a transaction. */
  append(notes: readonly LedgerNote[]): Promise<readonly LedgerEntry[]>
  tip(): Promise<LedgerTip>
  /** All entries of a kind, in order: for kinds of which there are few. */
  ofKind(kind: 'excuse'): Promise<readonly LedgerEntry[]>
  /** At most `limit` entries behind `after`, in order. */
  read(after: number, limit: number): Promise<readonly LedgerEntry[]>
  /** Keeps a checkpoint with its envelope. Rejects with `RECORD_REFUSED` when the ledger has no such entry. Idempotent. */
  keep(checkpoint: Checkpoint, envelope: string): Promise<void>
  /** All checkpoints that were kept, in the order of the ledger: the entry of each, and its envelope, which is not verified here. */
  checkpoints(): Promise<readonly KeptCheckpoint[]>
}

/** A checkpoint as it is kept. */
export interface KeptCheckpoint {
  readonly sequence: number
  readonly envelope: string
}

/** Everything that the factory remembers. What one of these methods was called for is durable when it resolves. */
export interface FactoryLogs {
  readonly events: EventLog
  readonly fleet: FleetLog
  readonly plans: PlanLog
  readonly runs: RunLog
  readonly work: WorkLog
  readonly releases: ReleaseLog
  readonly intents: IntentLog
  readonly decisions: DecisionLog
  readonly clocks: ClockLog
  readonly ledger: Ledger
  readonly watches: WatchLog
  readonly outbox: Outbox
  readonly deliveries: Deliveries
}

/** The factory's memory. History is appended and never edited; what something is now is derived from it. */
export interface FactoryStore extends FactoryLogs {
  /**
   * Does `work` whole or not at all: everything that it records is durable when this resolves, and nothing when it rejects. `work` may be
   * done again, so it has no effects but on the logs that it is given.
   */
  transaction<Result>(work: (logs: FactoryLogs) => Promise<Result>): Promise<Result>
  /** Does `work` while nobody else, in any process, does any with one of the same names. Who waits for long is not refused. */
  exclusively<Result>(names: readonly string[], work: () => Promise<Result>): Promise<Result>
}
