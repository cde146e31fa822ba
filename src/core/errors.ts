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
  /** A text is no digest in canonical form. */
  | 'DIGEST_INVALID'
  /** A value cannot be written as canonical JSON. */
  | 'JSON_INVALID'
  /** A .deb is no ar archive as deb(5) restricts it. */
  | 'AR_INVALID'
  /** A tar archive breaks its format, or an entry cannot be written in it. */
  | 'TAR_INVALID'
  /** A tar archive has more or larger entries than is allowed. */
  | 'TAR_LIMIT'
  /** A path in an archive leaves the root, or holds what no path may. */
  | 'PATH_INVALID'

/** Thrown by `core`: a value, an ar archive or a tar archive that is not what its specification says. */
export class CoreError extends CasemateError<CoreErrorCode> {}

/** What an error says, or whatever was thrown instead of one, as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Tells whether an error of the operating system has one of these codes, e.g. `ENOENT` (errno(3)). */
export function hasSystemCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
}
