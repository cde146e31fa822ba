import { CasemateError } from '#core'

/** What can be wrong with documents about exploitability. */
export type VexErrorCode =
  /** A document is not as OpenVEX 0.2.0 has it, or says something that it must not say in that way. */
  | 'VEX_INVALID'
  /** Two documents say that they are the same version of one document, and differ. */
  | 'VEX_CONFLICT'
  /** There is nothing to state: a document without statements is none. */
  | 'VEX_EMPTY'

/** Thrown by `vex`. */
export class VexError extends CasemateError<VexErrorCode> {}
