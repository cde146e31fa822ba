import type { Budget } from './budget.ts'
import type { Clause } from './clause.ts'
import type { Pool } from './pool.ts'
import type { Assignment, Problem } from './search.ts'

/** Something to do, and what to do after it. */
interface Goal {
  readonly choices: readonly number[]
  readonly optional: boolean
  /** Whether the needs of the package chosen here come next. */
  readonly follow: boolean
  readonly next: Goal | undefined
}

interface Memory {
  readonly goal: Goal | undefined
  readonly marks: number
  readonly follows: number
}

/**
 * Walks the dependencies as apt's MarkInstall does: all that is asked for first, then depth first in the order of the
 * fields; a need that a package marked earlier meets is left alone, else its first possible choice is taken.
 * What the search has only inferred does not count as there before the walk comes by, so the order stays apt's.
 */
export class Walk implements Problem {
  readonly #pool: Pool
  readonly #budget: Budget
  readonly #marked = new Set<number>()
  readonly #marks: number[] = []
  readonly #followed = new Set<number>()
  readonly #follows: number[] = []
  readonly #memories: Memory[] = []
  #goal: Goal | undefined

  /** `wanted` holds, for each package asked for, the variables that will do in order of preference. */
  constructor(pool: Pool, wanted: readonly (readonly number[])[], budget: Budget) {
    this.#pool = pool
    this.#budget = budget
    for (const follow of [true, false]) {
      for (const choices of wanted.toReversed()) {
        this.#goal = { choices, optional: false, follow, next: this.#goal }
      }
    }
  }

  /** The variables selected, once the search has ended well. */
  get selected(): readonly number[] {
    return this.#marks
  }

  clausesFor(variable: number): readonly Clause[] {
    return this.#pool.clauses(variable)
  }

  push(): void {
    this.#memories.push({ goal: this.#goal, marks: this.#marks.length, follows: this.#follows.length })
  }

  undo(decisions: number): void {
    const memory = this.#memories[decisions]
    if (memory === undefined) return
    this.#memories.length = decisions
    this.#goal = memory.goal
    for (const variable of this.#marks.splice(memory.marks)) this.#marked.delete(variable)
    for (const variable of this.#follows.splice(memory.follows)) this.#followed.delete(variable)
  }

  decide(assignment: Assignment): number | undefined {
    while (this.#goal !== undefined) {
      const goal: Goal = this.#goal
      this.#budget.spend(1 + goal.choices.length)
      const choice =
        goal.choices.find((variable) => this.#marked.has(variable)) ??
        goal.choices.find((variable) => assignment.value(variable) >= 0)
      if (choice === undefined) {
        if (!goal.optional) throw new RangeError('a need without a choice is a conflict and was not found to be one')
        this.#goal = goal.next
      } else if (assignment.value(choice) === 0) {
        return choice
      } else {
        this.#take(goal, choice)
      }
    }
    return undefined
  }

  #take(goal: Goal, choice: number): void {
    if (!this.#marked.has(choice)) {
      this.#marked.add(choice)
      this.#marks.push(choice)
    }
    this.#goal = goal.next
    if (!goal.follow || this.#followed.has(choice)) return
    this.#followed.add(choice)
    this.#follows.push(choice)
    for (const need of this.#pool.needs(choice).toReversed()) {
      this.#goal = { ...need, follow: true, next: this.#goal }
    }
  }
}
