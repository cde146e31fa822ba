import { CasemateError } from '#core'

/** What can go wrong with an archive, its indexes or its packages. */
export type DebianErrorCode =
  | 'VERSION_INVALID'
  | 'CONTROL_INVALID'
  | 'RELATION_INVALID'
  | 'PACKAGE_INVALID'
  | 'COMPRESSION_INVALID'
  | 'COMPRESSION_LIMIT'
  | 'DEB_INVALID'
  | 'DEB_REFUSED'
  | 'ARCHIVE_UNKNOWN'
  | 'ARCHIVE_INVALID'
  | 'SUITE_UNTRUSTED'
  | 'SUITE_ROLLED_BACK'
  | 'SUITE_EXPIRED'
  | 'SUITE_FROM_FUTURE'
  | 'SUITE_INVALID'
  | 'INDEX_INVALID'
  | 'FETCH_FAILED'
  | 'FETCH_MISMATCH'
  | 'FETCH_REFUSED'
  | 'FETCH_MISSING'
  | 'OFFLINE_MISSING'
  | 'MIRROR_UNKNOWN'
  | 'CACHE_FAILED'

/** Thrown by `debian`. */
export class DebianError extends CasemateError<DebianErrorCode> {}
