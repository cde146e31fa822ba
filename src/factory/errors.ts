import { CasemateError } from '#core'

/** Why the factory cannot record or believe something. */
export type FactoryErrorCode =
  /** Entries of the ledger do not follow from one another, or a checkpoint does not fit them: history was changed. */
  | 'LEDGER_BROKEN'
  /** A file is no exported ledger. */
  | 'LEDGER_INVALID'
  /** What was signed as a checkpoint of the ledger is none. */
  | 'CHECKPOINT_INVALID'
  /** A factory's settings are not as `factory.yaml` has to be; the places are named. */
  | 'SETTINGS_INVALID'
  /** Images of a fleet stack on each other in a circle, or two have one name. */
  | 'FLEET_INVALID'
  /** What an event says of an archive is not in the form that the factory writes. */
  | 'EVENT_INVALID'
  /** A worker was told to stop; what it was at is done by another one. */
  | 'WORK_HANDED_BACK'
  /** A stage of an image took longer than it may. */
  | 'STAGE_TIMED_OUT'
  /** What a stage is recorded to have given is not what this program's stages give. */
  | 'STAGE_OUTPUT_INVALID'
  /** What is to be published is not there, or not signed by who publishes. */
  | 'CANDIDATE_UNSIGNED'
  /** Tags were moved by somebody else while they were to be moved. */
  | 'PUBLISH_CONTESTED'
  /** There is no release to go back to. */
  | 'RELEASE_UNKNOWN'

/** Thrown by `factory`. */
export class FactoryError extends CasemateError<FactoryErrorCode> {}
