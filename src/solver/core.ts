import { Budget } from './budget.ts'
import type { Clause } from './clause.ts'
import { SolverError } from './errors.ts'
import { type Assignment, type Problem, Search } from './search.ts'

const STEP_LIMIT = 2_000_000

/**
 * Gives a small part of clauses that exclude each other which still does, none of which can be spared: what is left when
 * each is tried without, once from either end, whichever is smaller. When that takes too many steps, what was reached.
 */
export function minimalCore(core: readonly Clause[]): readonly Clause[] {
  const forward = shrink(core, new Budget(STEP_LIMIT))
  const backward = shrink(core.toReversed(), new Budget(STEP_LIMIT))
  return backward.length < forward.length ? backward : forward
}

function shrink(core: readonly Clause[], budget: Budget): readonly Clause[] {
  let kept = core
  try {
    for (const clause of core) {
      if (!kept.includes(clause)) continue
      kept =
        conflictAmong(
          kept.filter((one) => one !== clause),
          budget,
        ) ?? kept
    }
  } catch (error) {
    if (!(error instanceof SolverError && error.code === 'SOLVER_LIMIT')) throw error
  }
  return kept
}

/** Gives those clauses that exclude each other, or `undefined` when all can hold. */
function conflictAmong(clauses: readonly Clause[], budget: Budget): readonly Clause[] | undefined {
  const originals = new Map(clauses.map((clause) => [{ ...clause, literals: [...clause.literals] }, clause]))
  const copies = [...originals.keys()]
  const core = new Search(new Satisfy(copies), budget).run(copies)
  if (core === undefined) return undefined
  const inCore = new Set(core)
  return copies.filter((copy) => inCore.has(copy)).flatMap((copy) => originals.get(copy) ?? [])
}

/** Satisfies one clause after the other, in no particular order of preference. */
class Satisfy implements Problem {
  readonly #clauses: readonly Clause[]

  constructor(clauses: readonly Clause[]) {
    this.#clauses = clauses
  }

  clausesFor(): readonly Clause[] {
    return []
  }

  decide(assignment: Assignment): number | undefined {
    const truth = (literal: number) => (literal > 0 ? assignment.value(literal) : -assignment.value(-literal))
    for (const { literals } of this.#clauses) {
      if (!literals.some((literal) => truth(literal) > 0)) return literals.find((literal) => truth(literal) === 0)
    }
    return undefined
  }

  push(): void {}

  undo(): void {}
}
