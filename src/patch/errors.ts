import { CasemateError } from '#core'

/** Why an image cannot be patched. */
export type PatchErrorCode =
  /** The image has no package database that packages could be put into, or it is not in dpkg's own form. */
  | 'PATCH_UNSUPPORTED'
  /** A package that was asked for is not installed, or cannot be brought to a newer version. */
  | 'PATCH_IMPOSSIBLE'
  /** A newer package would take a path that something else has. */
  | 'PATCH_CONFLICT'
  /** The newer packages are larger than may be held. */
  | 'PATCH_LIMIT'

/** Thrown by `patch`. */
export class PatchError extends CasemateError<PatchErrorCode> {}
