import { CasemateError } from '#core'

/** What can go wrong with solving, apart from there being no answer, which is a value. */
export type SolverErrorCode =
  /** A text is no request for a package. */
  | 'REQUEST_INVALID'
  /** The search for a selection took more steps than is allowed. */
  | 'SOLVER_LIMIT'

/** Thrown by `solver`: a request nobody can read, or a search that would take longer than it is allowed to. */
export class SolverError extends CasemateError<SolverErrorCode> {}
