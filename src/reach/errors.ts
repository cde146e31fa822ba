import { CasemateError } from '#core'

/** Why it cannot be said what a program loads. */
export type ReachErrorCode =
  /** A file begins as ELF and is damaged, or of a kind that is not read. */
  'ELF_INVALID'

/** Thrown by `reach`. */
export class ReachError extends CasemateError<ReachErrorCode> {}
