import { CasemateError } from '#core'

/** What can be wrong with the way a verb was called, or missing on the machine it was called on. */
export type UsageErrorCode =
  /** A record of `casemate store` is damaged. */
  | 'STORE_UNREADABLE'
  /** The command line asks for something that it cannot mean. */
  | 'USAGE_INVALID'

/** Thrown by `cli`. */
export class UsageError extends CasemateError<UsageErrorCode> {}
