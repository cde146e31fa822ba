import { CasemateError } from '#core'

/** What can go wrong with advisories and the store that holds them. */
export type AdvisoryErrorCode =
  /** A file is no advisory data, or not of the kind that it was said to be. */
  | 'ADVISORIES_INVALID'
  /** A file of advisory data cannot be read. */
  | 'ADVISORIES_UNREADABLE'
  /** A file of advisory data is longer than is allowed, or has too many values. */
  | 'ADVISORIES_LIMIT'
  /** A place that advisories are to come from is none. */
  | 'ADVISORY_SOURCE_INVALID'
  /** A publisher's file cannot be fetched, or what came is not to be taken. */
  | 'ADVISORY_FETCH_FAILED'
  /** No advisories were imported yet. */
  | 'ADVISORY_STORE_MISSING'
  /** The store of advisories is damaged, or of another format. */
  | 'ADVISORY_STORE_INVALID'
  /** A file is no whole export of advisories. */
  | 'ADVISORY_EXPORT_INVALID'
  /** An export of advisories is signed by nobody, or by another key. */
  | 'ADVISORY_EXPORT_UNTRUSTED'
  /** An export of advisories is older than what the store has. */
  | 'ADVISORY_EXPORT_OLDER'
  /** An export of advisories cannot be written. */
  | 'ADVISORY_EXPORT_FAILED'
  /** Advisories are missing or older than was allowed. */
  | 'ADVISORY_STALE'
  /** The store of advisories cannot be written. */
  | 'ADVISORY_STORE_FAILED'

/** Thrown by `advisory`. */
export class AdvisoryError extends CasemateError<AdvisoryErrorCode> {}
