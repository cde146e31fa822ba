export { IntegrationError, type IntegrationErrorCode } from './errors.ts'
export {
  type ArchivePoll,
  type ArchiveWatchOptions,
  pollArchive,
  standingAlarms,
  suiteWatchName,
} from './watching/archive-watch.ts'
export {
  type LookOutcome,
  MACHINE_CLOCK,
  type Poll,
  Scheduler,
  type SchedulerOptions,
  type WatchClock,
} from './watching/scheduler.ts'
export { type StepWithEvents, takeStep } from './watching/take-step.ts'
