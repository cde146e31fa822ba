import { CasemateError } from '#core'

/** What can go wrong between a definition and an image. */
export type ImageErrorCode =
  | 'CACHE_DAMAGED'
  | 'CERTIFICATE_INVALID'
  | 'CACHE_FAILED'
  | 'DEFINITION_INVALID'
  | 'DEFINITION_NOT_FOUND'
  | 'EFFECT_CONFLICT'
  | 'EFFECT_INVALID'
  | 'EXTENDS_CYCLE'
  | 'LOCK_INVALID'
  | 'PATH_CONFLICT'
  | 'SCRIPT_OPEN'
  | 'SCRIPT_UNREADABLE'
  | 'TAG_INVALID'

/** Thrown by `image`. */
export class ImageError extends CasemateError<ImageErrorCode> {}
