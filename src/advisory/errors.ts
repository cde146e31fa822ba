import { CasemateError } from '#core'

/** What can go wrong with advisories and the store that holds them. */
export type AdvisoryErrorCode =
  /** A file is no advisory data, or not of the kind that it was said to be. */
  | 'ADVISORIES_INVALID'
  /** A file of advisory data cannot be read. */
  | 'ADVISORIES_UNREADABLE'
  /** A file of advisory data is longer than is allowed, or has too many values. */
  | 'ADVISORIES_LIMIT'
  /** No advisories were imported yet. */
  | 'ADVISORY_STORE_MISSING'
  /** The store of advisories is damaged, or of another format. */
  | 'ADVISORY_STORE_INVALID'
  /** The store of advisories cannot be written. */
  | 'ADVISORY_STORE_FAILED'

/** Thrown by `advisory`. */
export class AdvisoryError extends CasemateError<AdvisoryErrorCode> {}
