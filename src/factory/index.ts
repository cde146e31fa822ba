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
export { ledgerLines } from './ledger-lines.ts'
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
} from './ports.ts'
export {
  contentsDigest,
  type HeldPackage,
  type NewRelease,
  packageKey,
  type Release,
  type ReleasedManifest,
} from './release.ts'
export { type ImageProgress, imageProgress, STAGES, type StageKey, type StageName, type StageRecord } from './run.ts'
