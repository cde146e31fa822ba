/**
 * The root of every error that Casemate throws on purpose. A module derives one class with a closed union of codes
 * in its `errors.ts`; only `cli` and `server` turn codes into exit status.
 *
 * Messages read "cannot ⟨verb⟩ ⟨object⟩: ⟨reason⟩" and name the input, the place and the rule.
 */
export abstract class CasemateError<Code extends string = string> extends Error {
  /** The stable, documented name of the fault (`docs/errors.md`). */
  readonly code: Code

  constructor(code: Code, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** What can go wrong in `core`. */
export type CoreErrorCode =
  | 'DIGEST_INVALID'
  | 'JSON_INVALID'
  | 'AR_INVALID'
  | 'TAR_INVALID'
  | 'TAR_LIMIT'
  | 'PATH_INVALID'

/** Thrown by `core`: a value, an ar archive or a tar archive that is not what its specification says. */
export class CoreError extends CasemateError<CoreErrorCode> {}
