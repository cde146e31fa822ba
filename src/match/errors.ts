import { CasemateError } from '#core'

/** Why packages cannot be held against advisories, or findings not be suppressed. */
export type MatchErrorCode =
  /** The image does not say that it is Debian, or not which release: whose statements hold for it is unknown. */
  | 'MATCH_RELEASE_UNKNOWN'
  /** The image has no installed packages that could be read: no finding would mean nothing. */
  | 'MATCH_PACKAGES_MISSING'
  /** A file of rules that suppress findings is broken, has keys that nobody knows, or a rule without a reason. */
  | 'IGNORE_FILE_INVALID'

/** Thrown by `match`. */
export class MatchError extends CasemateError<MatchErrorCode> {}
