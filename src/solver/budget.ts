import { SolverError } from './errors.ts'

/** Counts the steps of one solve, so that no universe, however made, can keep it busy without end. */
export class Budget {
  readonly #limit: number
  #spent = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Counts steps: a literal looked at, a candidate considered. Throws `SOLVER_LIMIT` once all are spent. */
  spend(steps: number): void {
    this.#spent += steps
    if (this.#spent > this.#limit) {
      throw new SolverError('SOLVER_LIMIT', `cannot solve: no answer within ${this.#limit} steps of search`)
    }
  }
}
