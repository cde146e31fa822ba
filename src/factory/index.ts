export { CHECKPOINT_TYPE, type Checkpoint, openCheckpoint, signCheckpoint } from './checkpoint.ts'
export {
  CLOCK_MARKS,
  type ClockMark,
  type ClockMarkName,
  type ClockSegment,
  clockSegments,
  type FindingWay,
  summarizeTimes,
  type TimeSummary,
  timeBetween,
} from './clock.ts'
export type { Approval, Hold, NewHold } from './decision.ts'
export { FactoryError, type FactoryErrorCode } from './errors.ts'
export { COMMON_EVENTS, type EventKind, eventKey, type FactoryEvent, type NewEvent } from './event.ts'
export { chainNotes, LEDGER_START, LedgerCheck, type LedgerEntry, type LedgerNote, type LedgerTip } from './ledger.ts'
export {
  formatLedgerCheckpoint,
  formatLedgerEntry,
  type LedgerLine,
  MAX_LEDGER_LINE,
  parseLedgerLine,
} from './ledger-line.ts'
export { ledgerLines } from './ledger-lines.ts'
export { type Excuse, excuseNote, excuseOf } from './levels/excuse.ts'
export { LEVEL_STATES, type LevelState, type StandingLevel, standingOf } from './levels/service-level.ts'
export { type SupportEnd, type Supporter, supportEnds } from './levels/support-end.ts'
export { bySeverity, marksOf, type TimeToPatch, timesToPatch } from './levels/time-to-patch.ts'
export type { Moment } from './moment.ts'
export { type Held, type PackageChange, type Plan, type PlannedImage, planDigest, type Reason } from './plan.ts'
export { alarmsOf } from './planning/alarms.ts'
export { parseArchiveChange } from './planning/archive-change.ts'
export {
  type ClosedFinding,
  type CloseFindings,
  closeByAdvisories,
  type DisclosureOf,
  disclosedBy,
  type SourceMove,
} from './planning/closed-findings.ts'
export { describeHeld, describeReason } from './planning/describe-reason.ts'
export { newerThanHeld, type ObservedMark } from './planning/first-look.ts'
export { Fleet, type FleetImage, type FleetMember } from './planning/fleet.ts'
export type { FleetLog, ReleasedHead } from './planning/fleet-log.ts'
export type { GivenApproval, WaitingImage } from './planning/holds.ts'
export { lockedImage } from './planning/locked-image.ts'
export { marksOfPlan, notePlan } from './planning/note-plan.ts'
export { type Offer, type Offers, SeenOffers, type SuiteStanding } from './planning/offers.ts'
export type { SeenFinding } from './planning/outstanding.ts'
export { type PlanInput, type PlannedRebuilds, planRebuilds, type UnchangedImage } from './planning/plan-rebuilds.ts'
export { Planner, type PlannerPorts, type PlannerStep } from './planning/planner.ts'
export type { FailedImage } from './planning/retries.ts'
export type {
  AffectedImage,
  AffectedQuestion,
  ClockLog,
  DecisionLog,
  EventLog,
  FactoryLogs,
  FactoryStore,
  IntentLog,
  KeptCheckpoint,
  Ledger,
  PlanLog,
  ReleaseDifference,
  ReleasedDigest,
  ReleaseLog,
  RunLog,
  StageOutput,
  TakenQueue,
  WayQuestion,
  WorkLog,
  WorkOptions,
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
export { faultsOfHistory, type History, type RunHistory } from './running/check-history.ts'
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
export { type Rollback, rollBack } from './running/rollback.ts'
export type { BaseSettings, BaseTrust } from './settings/bases-settings.ts'
export { formatSpan } from './settings/duration.ts'
export {
  type DefinitionsPlace,
  type FactorySettings,
  parseFactorySettings,
  SETTINGS_FILE,
  settingsJsonSchema,
} from './settings/factory-settings.ts'
export type { InventoryPlace, InventorySettings } from './settings/inventory-settings.ts'
export type { SecretPlace, Subscription } from './settings/notify-settings.ts'
export type { ApprovalRule, Freeze, MaintenanceWindow, UpdatePolicy } from './settings/policy-settings.ts'
export type { RetentionSettings, StoreRetention } from './settings/retention-settings.ts'
export type { RunSettings } from './settings/runs-settings.ts'
export type { ServerSettings } from './settings/server-settings.ts'
export { compareSeverities, POLICY_SEVERITIES, type PolicySeverity, worstSeverity } from './settings/severity.ts'
export type { ServiceLevels } from './settings/sla-settings.ts'
export {
  type Changelog,
  changelogOf,
  type ReleasedContractChange,
  type ReleasedFinding,
  type ReleasedImage,
  type ReleasedPackageChange,
  type ReleaseName,
} from './telling/changelog.ts'
export { formatChangelog } from './telling/changelog-markdown.ts'
export { CLOUD_EVENT_TYPES, type CloudEvent, cloudEventOf } from './telling/cloud-event.ts'
export { type FeedHead, formatAtom, formatJsonFeed, type MessageLink } from './telling/feed.ts'
export {
  type Interest,
  isWanted,
  MESSAGE_KINDS,
  type Message,
  type MessageKind,
  type NewMessage,
} from './telling/message.ts'
export {
  failedMessage,
  heldMessage,
  type LateFinding,
  lateMessage,
  releaseMessage,
  type ToldImage,
} from './telling/messages.ts'
export type {
  Deliveries,
  DeliveryOutcome,
  DueMessage,
  Forgetting,
  Outbox,
  RouteOptions,
  TakeDueOptions,
} from './telling/outbox.ts'
export { type ReleaseFacts, releaseMessages } from './telling/release-messages.ts'
export { type FindingsOf, standingFindings } from './telling/standing-findings.ts'
export {
  type AdvisoryChange,
  type AdvisoryStanding,
  type AdvisoryStandings,
  advisoryEvent,
  changedAdvisories,
  type FleetSource,
  readStandings,
  STANDING_PARTS,
} from './watching/advisory-watch.ts'
export { type Asked, askedEvent, type BaseMove, baseEvent, parentReleasedEvent } from './watching/asked.ts'
export { type EndOfSupport, type SupportedImage, supportEvents } from './watching/date-watch.ts'
export {
  type ChangeAuthor,
  type CommitOrigin,
  type DefinedImages,
  type DefinitionChange,
  type DefinitionFiles,
  type DefinitionSighting,
  type DefinitionStep,
  definitionEvent,
  type FileChange,
  stepDefinitions,
} from './watching/definition-watch.ts'
export {
  imagesNamedIn,
  type NamedImage,
  parseNamedImage,
  type RunningContainer,
  runningContainers,
  type SeenRelease,
  seenMarks,
} from './watching/inventory.ts'
export { noteEvents } from './watching/note-events.ts'
export {
  type ArchiveChange,
  type ChangedPackage,
  changedPackages,
  formatSuitePackages,
  newestOffered,
  parseSuitePackages,
  type SuiteMark,
  type SuitePackages,
} from './watching/suite-change.ts'
export {
  type ArchiveAlarm,
  type SightingPlace,
  type SuiteSighting,
  type SuiteStep,
  type SuiteWatch,
  stepSuiteWatch,
} from './watching/suite-watch.ts'
export type { Watched, WatchLog, WatchStep } from './watching/watch-log.ts'
