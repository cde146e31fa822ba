import { CasemateError } from '#core'

/** Why policies cannot be applied, or one of them could not be decided. */
export type PolicyErrorCode =
  /** A policy file is broken, has keys that nobody knows, or an expression that does not fit the facts. */
  | 'POLICY_INVALID'
  /** A file of exceptions is broken, has keys that nobody knows, or an exception without owner, reason or expiry. */
  | 'EXCEPTIONS_INVALID'
  /** A gate could not be decided: a fact that its policy asks for could not be established. It counts as refused. */
  | 'FACT_UNKNOWN'
  /** A gate could not be decided: its expression erred, or gave neither true, false nor texts. It counts as refused. */
  | 'POLICY_FAILED'
  /** A gate could not be decided: its expression took longer, or more memory, than one may. It counts as refused. */
  | 'POLICY_LIMIT'

/** Thrown by `policy`; the last three codes stand in verdicts. */
export class PolicyError extends CasemateError<PolicyErrorCode> {}
