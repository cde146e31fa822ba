import { CasemateError } from '#core'

/** What can go wrong with an archive, its indexes or its packages. */
export type DebianErrorCode =
  /** A text is no version as deb-version(7) has it. */
  | 'VERSION_INVALID'
  /** A paragraph of a control file is malformed. */
  | 'CONTROL_INVALID'
  /** A dependency field is malformed. */
  | 'RELATION_INVALID'
  /** An index describes a package without digest, or with a file outside the archive. */
  | 'PACKAGE_INVALID'
  /** Compressed data are damaged, or not of the kind they should be. */
  | 'COMPRESSION_INVALID'
  /** Compressed data give more bytes than is allowed. */
  | 'COMPRESSION_LIMIT'
  /** A .deb is not built as deb(5) says. */
  | 'DEB_INVALID'
  /** A .deb holds something that no image may have: a device, a whiteout name, a path out of the root. */
  | 'DEB_REFUSED'
  /** No archive has this name. */
  | 'ARCHIVE_UNKNOWN'
  /** An archive file, or a key beside it, is not as it should be. */
  | 'ARCHIVE_INVALID'
  /** No pinned key of the suite has signed its InRelease file, or it is another suite. */
  | 'SUITE_UNTRUSTED'
  /** Every mirror offers an older state of the suite than one that was seen before. */
  | 'SUITE_ROLLED_BACK'
  /** The suite is past its Valid-Until. */
  | 'SUITE_EXPIRED'
  /** The suite's Date lies ahead of our clock. */
  | 'SUITE_FROM_FUTURE'
  /** The suite's InRelease file is malformed. */
  | 'SUITE_INVALID'
  /** A package index is damaged or not as its suite describes it. */
  | 'INDEX_INVALID'
  /** A file could not be fetched: the network, or the mirror. */
  | 'FETCH_FAILED'
  /** A fetched file has another size or SHA-256 than was announced. */
  | 'FETCH_MISMATCH'
  /** A mirror leads to a place that is not followed. */
  | 'FETCH_REFUSED'
  /** No mirror, cache or snapshot has the file; the error says when it was last seen. */
  | 'FETCH_MISSING'
  /** Without network, the cache lacks these files. */
  | 'OFFLINE_MISSING'
  /** No mirror is set or built in for an archive, or a setting cannot be read. */
  | 'MIRROR_UNKNOWN'
  /** An image's dpkg database cannot be read. */
  | 'DPKG_DATABASE_INVALID'
  /** The cache of downloads cannot be read or written. */
  | 'CACHE_FAILED'

/** Thrown by `debian`. */
export class DebianError extends CasemateError<DebianErrorCode> {}
