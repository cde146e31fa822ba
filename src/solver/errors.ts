import { CasemateError } from '#core'

/** What can go wrong with solving, apart from there being no answer, which is a value. */
export type SolverErrorCode = 'REQUEST_INVALID' | 'SOLVER_LIMIT'

/** Thrown by `solver`: a request nobody can read, or a search that would take longer than it is allowed to. */
export class SolverError extends CasemateError<SolverErrorCode> {}
