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
export { type EventKind, eventKey, type FactoryEvent, type NewEvent } from './event.ts'
export { chainNotes, LEDGER_START, LedgerCheck, type LedgerEntry, type LedgerNote, type LedgerTip } from './ledger.ts'
export {
  formatLedgerCheckpoint,
  formatLedgerEntry,
  type LedgerLine,
  MAX_LEDGER_LINE,
  parseLedgerLine,
} from './ledger-line.ts'
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
export type { GivenApproval } from './planning/holds.ts'
export { lockedImage } from './planning/locked-image.ts'
export { marksOfPlan, notePlan } from './planning/note-plan.ts'
export { type Offer, type Offers, SeenOffers, type SuiteStanding } from './planning/offers.ts'
export type { SeenFinding } from './planning/outstanding.ts'
export { type PlanInput, type PlannedRebuilds, planRebuilds, type UnchangedImage } from './planning/plan-rebuilds.ts'
export type {
  AffectedImage,
  AffectedQuestion,
  ClockLog,
  DecisionLog,
  Deliveries,
  DeliveryOutcome,
  DueMessage,
  EventLog,
  FactoryLogs,
  FactoryStore,
  FleetLog,
  KeptCheckpoint,
  Ledger,
  Outbox,
  PlanLog,
  ReleasedHead,
  ReleaseLog,
  RouteOptions,
  RunLog,
  TakeOptions,
  Watched,
  WatchLog,
  WatchStep,
  WayQuestion,
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
export { formatSpan } from './settings/duration.ts'
export {
  type DefinitionsPlace,
  type FactorySettings,
  parseFactorySettings,
  SETTINGS_FILE,
  settingsJsonSchema,
} from './settings/factory-settings.ts'
export type { ApprovalRule, Freeze, MaintenanceWindow, UpdatePolicy } from './settings/policy-settings.ts'
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
  MESSAGE_SEVERITIES,
  type Message,
  type MessageKind,
  type MessageSeverity,
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
