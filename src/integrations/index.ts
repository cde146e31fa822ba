export { IntegrationError, type IntegrationErrorCode } from './errors.ts'
export { type ClusterLook, parseClusterPods, readClusterPods, recordRunning } from './inventory/cluster.ts'
export { type ClusterPlace, fetchRunningContainers } from './inventory/cluster-api.ts'
export {
  type ManifestImage,
  type ManifestImages,
  type ManifestLook,
  readManifests,
  recordDeclared,
} from './inventory/manifests.ts'
export {
  type InventoryOptions,
  type InventoryPoll,
  type InventorySource,
  pollInventory,
} from './inventory/poll-inventory.ts'
export { PullLog, pulledDigest, type RegistryAccess } from './inventory/pulls.ts'
export { type RecordedSightings, recordSightings } from './inventory/record-sightings.ts'
export { GuardedPost, POST_LIMITS, type PostAnswer, type PostLimits, type PostTarget } from './telling/guarded-post.ts'
export { tellLate } from './telling/tell-late.ts'
export { Teller, type TellerOptions, type Told } from './telling/teller.ts'
export {
  openWebhooks,
  type TellOptions,
  tellWebhook,
  WEBHOOK_PATIENCE,
  type Webhook,
  type WebhookPatience,
} from './telling/webhook.ts'
export {
  parseWebhookSecret,
  type SignedMessage,
  type WebhookSecret,
  webhookHeaders,
} from './telling/webhook-signature.ts'
export { type AdvisoryPoll, type AdvisoryWatchOptions, pollAdvisories } from './watching/advisory-watch.ts'
export {
  type ArchivePoll,
  type ArchiveWatchOptions,
  pollArchive,
  standingAlarms,
  suiteWatchName,
} from './watching/archive-watch.ts'
export {
  type BasePoll,
  type BaseWatchOptions,
  type ImageOnBase,
  pollBases,
  type WatchedBase,
} from './watching/base-watch.ts'
export { pollDates } from './watching/date-watch.ts'
export {
  findDefinitions,
  folderFingerprint,
  type ReadDefinitions,
  readDefinitions,
} from './watching/definition-folder.ts'
export { DefinitionFolderWatch, type DefinitionPoll, GitDefinitionWatch } from './watching/definition-watch.ts'
export { type GitOptions, type GitPlace, GitRepository } from './watching/git-repository.ts'
export {
  type LookOutcome,
  MACHINE_CLOCK,
  type Poll,
  Scheduler,
  type SchedulerOptions,
  type WatchClock,
} from './watching/scheduler.ts'
export { type StepWithEvents, takeStep } from './watching/take-step.ts'
