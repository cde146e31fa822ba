import { CasemateError } from '#core'

/** What can go wrong between a definition and an image. */
export type ImageErrorCode =
  /** A member in the cache is damaged; it is made anew. */
  | 'CACHE_DAMAGED'
  /** A CA certificate cannot be read. */
  | 'CERTIFICATE_INVALID'
  /** The cache of members cannot be read or written. */
  | 'CACHE_FAILED'
  /** A definition has faults; each with its line and column. */
  | 'DEFINITION_INVALID'
  /** No definition is at this path or has this name. */
  | 'DEFINITION_NOT_FOUND'
  /** An effect would overwrite what a package or another effect has put there. */
  | 'EFFECT_CONFLICT'
  /** An effect cannot be applied to this image. */
  | 'EFFECT_INVALID'
  /** Definitions extend each other in a circle. */
  | 'EXTENDS_CYCLE'
  /** A lock is malformed, or of another state of its definition. */
  | 'LOCK_INVALID'
  /** Two packages, or a package and the definition, put different things at one path. */
  | 'PATH_CONFLICT'
  /** Maintainer scripts do what no effect covers, and the definition does not acknowledge it. */
  | 'SCRIPT_OPEN'
  /** A maintainer script cannot be followed. */
  | 'SCRIPT_UNREADABLE'
  /** A tag template gives no tag. */
  | 'TAG_INVALID'
  /** A worker thread ended before its task did, e.g. for want of memory. */
  | 'WORKER_FAILED'
  /** The host's xz is not there, or does not decode as our own decoder does. */
  | 'XZ_UNUSABLE'

/** Thrown by `image`. */
export class ImageError extends CasemateError<ImageErrorCode> {}
