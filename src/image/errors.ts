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
  /** The image's own program failed, or took too long, when a derived effect ran it. */
  | 'DERIVED_FAILED'
  /** The result of a derived effect is not in the form that the image needs. */
  | 'DERIVED_INVALID'
  /** A derived effect gave another result than its lock says. */
  | 'DERIVED_MISMATCH'
  /** Nothing here can run a derived effect's program, and its result is not in the cache. */
  | 'DERIVED_UNAVAILABLE'
  /** A derived effect gave two results in two runs. */
  | 'DERIVED_UNSTABLE'
  /** An effect would overwrite what a package or another effect has put there. */
  | 'EFFECT_CONFLICT'
  /** An effect cannot be applied to this image. */
  | 'EFFECT_INVALID'
  /** Definitions extend each other, or stack on each other, in a circle. */
  | 'EXTENDS_CYCLE'
  /** A lock is malformed, or of another state of its definition. */
  | 'LOCK_INVALID'
  /** An overlay and what it stacks on cannot be combined; both sides are named, with the ways out. */
  | 'OVERLAY_CONFLICT'
  /** Two packages, or a package and the definition, put different things at one path. */
  | 'PATH_CONFLICT'
  /** A recipe, from which an image is to be built again, is malformed. */
  | 'RECIPE_INVALID'
  /** Maintainer scripts do what no effect covers, and the definition does not acknowledge it. */
  | 'SCRIPT_OPEN'
  /** A maintainer script cannot be followed. */
  | 'SCRIPT_UNREADABLE'
  /** What a definition takes in from elsewhere is not as it has to be. */
  | 'SOURCE_INVALID'
  /** Without network, neither cache nor stores have all of an image that a definition takes in. */
  | 'SOURCE_MISSING'
  /** A tag template gives no tag. */
  | 'TAG_INVALID'
  /** A worker thread ended before its task did, e.g. for want of memory. */
  | 'WORKER_FAILED'
  /** The host's xz is not there, or does not decode as our own decoder does. */
  | 'XZ_UNUSABLE'

/** Thrown by `image`. */
export class ImageError extends CasemateError<ImageErrorCode> {}
