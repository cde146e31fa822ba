import { CasemateError } from '#core'

/** Why evidence could not be attached or read. */
export type EvidenceErrorCode =
  /** What is attached to an image is more than anybody attaches: too many statements, or too many bytes. */
  | 'EVIDENCE_TOO_MUCH'
  /** A manifest that holds signatures or statements is not as its form wants it. */
  | 'EVIDENCE_INVALID'

/** Thrown by `evidence`. */
export class EvidenceError extends CasemateError<EvidenceErrorCode> {}
