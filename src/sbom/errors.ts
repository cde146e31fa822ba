import { CasemateError } from '#core'

/** Why an SBOM cannot be read. */
export type SbomErrorCode =
  /** A document is no SPDX 2.2 or 2.3 JSON and no CycloneDX 1.2 to 1.7 JSON, or is broken. */
  | 'SBOM_INVALID'
  /** A document is longer, deeper or has more packages than is allowed. */
  | 'SBOM_LIMIT'

/** Thrown by `sbom`. */
export class SbomError extends CasemateError<SbomErrorCode> {}
