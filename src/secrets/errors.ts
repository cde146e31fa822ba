import { CasemateError } from '#core'

/** Why secrets cannot be looked for. */
export type SecretErrorCode =
  /** A file of kinds of secrets is broken, has keys that nobody knows, or a pattern that is none. */
  'SECRET_KINDS_INVALID'

/** Thrown by `secrets`. */
export class SecretError extends CasemateError<SecretErrorCode> {}
