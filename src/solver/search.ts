import type { Budget } from './budget.ts'
import type { Clause } from './clause.ts'

/** What the search asks the problem for. */
export interface Problem {
  /** Gives the clauses that matter once the variable is selected; asked once for each variable. */
  clausesFor(variable: number): readonly Clause[]
  /** Gives the next literal to try, or `undefined` when every need is met. */
  decide(search: Assignment): number | undefined
  /** A new decision begins: what `decide` remembers is kept for `undo`. */
  push(): void
  /** Forgets what `decide` did since the given number of decisions stood. */
  undo(decisions: number): void
}

/** What is settled so far. */
export interface Assignment {
  /** 1 selected, -1 not selected, 0 open. */
  value(variable: number): number
}

/**
 * Conflict-driven search with clause learning (Marques-Silva and Sakallah, GRASP, 1996): unit propagation over two
 * watched literals, the first unique implication point, backjumping. The problem decides the order of trying, so the
 * first answer found is the one it prefers; learning only cuts off what cannot succeed.
 */
export class Search implements Assignment {
  readonly #problem: Problem
  readonly #budget: Budget
  readonly #values: number[] = []
  readonly #levels: number[] = []
  readonly #reasons: (Clause | undefined)[] = []
  readonly #expanded: boolean[] = []
  readonly #trail: number[] = []
  readonly #levelStarts: number[] = []
  readonly #watches = new Map<number, Clause[]>()
  #head = 0

  constructor(problem: Problem, budget: Budget) {
    this.#problem = problem
    this.#budget = budget
  }

  value(variable: number): number {
    return this.#values[variable] ?? 0
  }

  /** Searches until the problem needs nothing more; gives the facts that exclude each other when that cannot be. */
  run(clauses: readonly Clause[]): readonly Clause[] | undefined {
    let conflict = this.#attachAll(clauses) ?? this.#propagate()
    for (;;) {
      if (conflict !== undefined) {
        const learned = this.#resolve(conflict)
        if (learned === undefined) return this.#core(conflict)
        conflict = this.#attach(learned) ?? this.#propagate()
        continue
      }
      const literal = this.#problem.decide(this)
      if (literal === undefined) return undefined
      this.#problem.push()
      this.#levelStarts.push(this.#trail.length)
      this.#assign(literal, undefined)
      conflict = this.#propagate()
    }
  }

  #valueOf(literal: number): number {
    return literal > 0 ? this.value(literal) : -this.value(-literal)
  }

  #levelOf(literal: number): number {
    return this.#levels[Math.abs(literal)] ?? 0
  }

  #assign(literal: number, reason: Clause | undefined): void {
    const variable = Math.abs(literal)
    this.#values[variable] = literal > 0 ? 1 : -1
    this.#levels[variable] = this.#levelStarts.length
    this.#reasons[variable] = reason
    this.#trail.push(literal)
  }

  /** Adds clauses, all of them, and gives the first that is broken already. */
  #attachAll(clauses: readonly Clause[]): Clause | undefined {
    let conflict: Clause | undefined
    for (const clause of clauses) conflict = this.#attach(clause) ?? conflict
    return conflict
  }

  /** Watches a clause's two best literals, and follows it when only one is left. */
  #attach(clause: Clause): Clause | undefined {
    const { literals } = clause
    this.#budget.spend(1 + literals.length)
    this.#toFront(literals, 0)
    this.#toFront(literals, 1)
    const [first, second] = literals
    if (first === undefined) return clause
    if (second !== undefined) {
      this.#watch(first, clause)
      this.#watch(second, clause)
    }
    const value = this.#valueOf(first)
    if (value < 0) return clause
    if (value === 0 && (second === undefined || this.#valueOf(second) < 0)) this.#assign(first, clause)
    return undefined
  }

  /** Brings the literal that becomes false last to `position`: one that is not false, else that of the highest level. */
  #toFront(literals: number[], position: number): void {
    let best = -1
    let bestRank = -1
    for (let i = position; i < literals.length; i++) {
      const literal = literals[i] ?? 0
      const rank = this.#valueOf(literal) < 0 ? this.#levelOf(literal) : Number.POSITIVE_INFINITY
      if (rank > bestRank) {
        best = i
        bestRank = rank
        if (rank === Number.POSITIVE_INFINITY) break
      }
    }
    if (best > position) swap(literals, position, best)
  }

  #watch(literal: number, clause: Clause): void {
    const watching = this.#watches.get(literal)
    if (watching === undefined) this.#watches.set(literal, [clause])
    else watching.push(clause)
  }

  #propagate(): Clause | undefined {
    while (this.#head < this.#trail.length) {
      const literal = this.#trail[this.#head++] ?? 0
      if (literal > 0 && this.#expanded[literal] !== true) {
        this.#expanded[literal] = true
        const conflict = this.#attachAll(this.#problem.clausesFor(literal))
        if (conflict !== undefined) return conflict
      }
      const conflict = this.#visit(-literal)
      if (conflict !== undefined) return conflict
    }
    return undefined
  }

  /** Visits the clauses that watch a literal which has become false; moves their watch on, or follows them. */
  #visit(falsified: number): Clause | undefined {
    const watching = this.#watches.get(falsified)
    if (watching === undefined) return undefined
    let kept = 0
    let conflict: Clause | undefined
    for (const clause of watching) {
      this.#budget.spend(1)
      if (conflict !== undefined || !this.#moveWatch(clause, falsified)) {
        watching[kept++] = clause
        if (conflict !== undefined) continue
        const other = clause.literals[0] ?? 0
        const value = this.#valueOf(other)
        if (value < 0) conflict = clause
        else if (value === 0) this.#assign(other, clause)
      }
    }
    watching.length = kept
    return conflict
  }

  /** Makes `falsified` the second literal and looks for another one to watch in its place. */
  #moveWatch(clause: Clause, falsified: number): boolean {
    const { literals } = clause
    if (literals[0] === falsified) swap(literals, 0, 1)
    if (this.#valueOf(literals[0] ?? 0) > 0) return false
    for (let i = 2; i < literals.length; i++) {
      const literal = literals[i] ?? 0
      this.#budget.spend(1)
      if (this.#valueOf(literal) < 0) continue
      swap(literals, 1, i)
      this.#watch(literal, clause)
      return true
    }
    return false
  }

  /** Learns from a conflict and goes back to where the lesson applies; `undefined` when there is nothing to go back to. */
  #resolve(conflict: Clause): Clause | undefined {
    this.#backjump(conflict.literals.reduce((highest, literal) => Math.max(highest, this.#levelOf(literal)), 0))
    const level = this.#levelStarts.length
    if (level === 0) return undefined
    const from = [conflict]
    const learned: number[] = []
    const seen = new Set<number>()
    let open = 0
    const look = (clause: Clause): void => {
      this.#budget.spend(clause.literals.length)
      for (const literal of clause.literals) {
        const variable = Math.abs(literal)
        if (seen.has(variable) || this.#levelOf(literal) === 0) continue
        seen.add(variable)
        if (this.#levelOf(literal) === level) open++
        else learned.push(literal)
      }
    }
    look(conflict)
    let position = this.#trail.length
    for (;;) {
      const literal = this.#trail[--position] ?? 0
      if (!seen.has(Math.abs(literal))) continue
      if (--open === 0) {
        learned.push(-literal)
        break
      }
      const reason = this.#reasons[Math.abs(literal)]
      if (reason !== undefined) {
        from.push(reason)
        look(reason)
      }
    }
    const uip = learned.at(-1) ?? 0
    this.#backjump(learned.reduce((top, literal) => (literal === uip ? top : Math.max(top, this.#levelOf(literal))), 0))
    return { literals: learned, from }
  }

  #backjump(level: number): void {
    const start = this.#levelStarts[level]
    if (start === undefined) return
    for (const literal of this.#trail.splice(start)) {
      const variable = Math.abs(literal)
      this.#values[variable] = 0
      this.#levels[variable] = 0
      this.#reasons[variable] = undefined
    }
    this.#levelStarts.length = level
    this.#head = start
    this.#problem.undo(level)
  }

  /** The facts that a conflict without any decision rests on. */
  #core(conflict: Clause): readonly Clause[] {
    const seen = new Set<Clause>([conflict])
    for (const clause of seen) {
      this.#budget.spend(clause.literals.length)
      for (const antecedent of clause.from ?? []) seen.add(antecedent)
      for (const literal of clause.literals) {
        const reason = this.#reasons[Math.abs(literal)]
        if (reason !== undefined) seen.add(reason)
      }
    }
    return [...seen].filter((clause) => clause.from === undefined)
  }
}

function swap(literals: number[], left: number, right: number): void {
  const kept = literals[left] ?? 0
  literals[left] = literals[right] ?? 0
  literals[right] = kept
}
