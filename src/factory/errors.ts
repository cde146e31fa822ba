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

/** Thrown by `factory`. */
export class FactoryError extends CasemateError<FactoryErrorCode> {}
