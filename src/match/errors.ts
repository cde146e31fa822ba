import { CasemateError } from '#core'

/** Why packages cannot be held against advisories. */
export type MatchErrorCode =
  /** The image does not say that it is Debian, or not which release: whose statements hold for it is unknown. */
  | 'MATCH_RELEASE_UNKNOWN'
  /** The image has no installed packages that could be read: no finding would mean nothing. */
  | 'MATCH_PACKAGES_MISSING'

/** Thrown by `match`. */
export class MatchError extends CasemateError<MatchErrorCode> {}
