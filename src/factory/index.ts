export { CHECKPOINT_TYPE, type Checkpoint, openCheckpoint, signCheckpoint } from './checkpoint.ts'
export {
  CLOCK_MARKS,
  type ClockMark,
  type ClockMarkName,
  type ClockSegment,
  clockSegments,
  summarizeTimes,
  type TimeSummary,
  timeBetween,
} from './clock.ts'
export type { Approval, Hold, NewHold } from './decision.ts'
export { FactoryError, type FactoryErrorCode } from './errors.ts'
export { type EventKind, eventKey, type FactoryEvent, type NewEvent } from './event.ts'
export { chainNotes, LEDGER_START, LedgerCheck, type LedgerEntry, type LedgerNote, type LedgerTip } from './ledger.ts'
export {
  formatLedgerCheckpoint,
  formatLedgerEntry,
  type LedgerLine,
  MAX_LEDGER_LINE,
  parseLedgerLine,
} from './ledger-line.ts'
export type { Moment } from './moment.ts'
export { type Held, type PackageChange, type Plan, type PlannedImage, planDigest, type Reason } from './plan.ts'
export type {
  AffectedImage,
  AffectedQuestion,
  ClockLog,
  DecisionLog,
  EventLog,
  FactoryLogs,
  FactoryStore,
  KeptCheckpoint,
  Ledger,
  PlanLog,
  ReleaseLog,
  RunLog,
  TakenQueue,
  TakeOptions,
  WorkLog,
  WorkQueue,
} from './ports.ts'
export {
  contentsDigest,
  type HeldPackage,
  type NewRelease,
  packageKey,
  type Release,
  type ReleasedManifest,
  type TagIntent,
} from './release.ts'
export {
  type Cancellation,
  type ImageEnd,
  type ImageProgress,
  imageProgress,
  type NewBatch,
  type RunImage,
  type RunState,
  STAGES,
  type StageKey,
  type StageName,
  type StageRecord,
  type WorkMessage,
  type WorkPhase,
} from './run.ts'
export { Engine, recoverRuns, startRun } from './running/engine.ts'
export { nextWork } from './running/next-work.ts'
export {
  type Candidate,
  ENGINE_DEFAULTS,
  type EngineClock,
  type EngineNews,
  type EnginePorts,
  type EngineSettings,
  type MakingStage,
  type PreparedStage,
  type Publisher,
  type StageOutputs,
  type StageResult,
  type Stages,
  type StageWork,
  type TagMove,
  type TagName,
} from './running/ports.ts'
