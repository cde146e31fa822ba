import { CasemateError } from '#core'

/** Why bases cannot be judged. */
export type BasesErrorCode =
  /** An allow-list is broken, has keys that nobody knows, or an entry without a reason. */
  | 'ALLOW_LIST_INVALID'
  /** A policy for another program cannot say what an allow-list says. */
  | 'ALLOW_LIST_UNTRANSLATABLE'

/** Thrown by `bases`. */
export class BasesError extends CasemateError<BasesErrorCode> {}
