import type { ArchivePackage, Dependency, PackageRelation, Universe } from '#debian'
import type { Budget } from './budget.ts'
import type { Candidates } from './candidates.ts'
import type { Clause } from './clause.ts'
import type { LeftOutNames } from './left-out.ts'
import { architectureOf, excludes, forbids } from './matching.ts'

/** One or-group of a package: what meets it, as variables in order of preference. */
export interface Need {
  readonly choices: readonly number[]
  /** A need that may stay unmet: a Recommends. */
  readonly optional: boolean
}

interface Ban {
  readonly owner: number
  readonly field: 'Conflicts' | 'Breaks'
  readonly relation: PackageRelation
}

/**
 * The packages that the search has come across, each a variable from 1, with their needs and their clauses. Only what
 * is reached is ever read from the universe; conflicts are stated between packages that both have been reached.
 */
export class Pool {
  readonly #universe: Universe
  readonly #candidates: Candidates
  readonly #leftOut: LeftOutNames
  readonly #budget: Budget
  readonly #recommends: boolean
  readonly #packages: ArchivePackage[] = []
  readonly #variables = new Map<ArchivePackage, number>()
  readonly #byName = new Map<string, number[]>()
  readonly #bans = new Map<string, Ban[]>()
  readonly #needs = new Map<number, readonly Need[]>()
  #fresh: Clause[] = []

  constructor(parts: {
    universe: Universe
    candidates: Candidates
    leftOut: LeftOutNames
    budget: Budget
    recommends: boolean
  }) {
    this.#universe = parts.universe
    this.#candidates = parts.candidates
    this.#leftOut = parts.leftOut
    this.#budget = parts.budget
    this.#recommends = parts.recommends
  }

  packageOf(variable: number): ArchivePackage {
    const one = this.#packages[variable - 1]
    if (one === undefined) throw new RangeError(`variable ${variable} stands for no package`)
    return one
  }

  /** Gives a package's variable. A package seen for the first time gets its bans from those that are expanded already. */
  variable(one: ArchivePackage): number {
    const known = this.#variables.get(one)
    if (known !== undefined) return known
    const variable = this.#packages.push(one)
    this.#variables.set(one, variable)
    for (const other of this.#byName.get(one.name) ?? []) if (this.#needs.has(other)) this.#exclude(other, variable)
    for (const name of namesOf(one)) {
      append(this.#byName, name, variable)
      for (const ban of this.#bans.get(name) ?? []) this.#forbid(ban, variable)
    }
    return variable
  }

  /** Gives the needs of a package for which `clauses` was asked. */
  needs(variable: number): readonly Need[] {
    return this.#needs.get(variable) ?? []
  }

  /** States everything that selecting a package entails: its needs, its bans, and that its name is taken. To be asked once. */
  clauses(variable: number): readonly Clause[] {
    const one = this.packageOf(variable)
    const needs: Need[] = []
    for (const field of ['Pre-Depends', 'Depends'] as const) {
      for (const dependency of field === 'Depends' ? one.depends : one.preDepends) {
        const need = this.#need(one, dependency, false)
        if (need === undefined) continue
        needs.push(need)
        this.#fresh.push({
          literals: [-variable, ...need.choices],
          fact: {
            kind: 'needs',
            package: one,
            field,
            dependency,
            choices: need.choices.map((choice) => this.packageOf(choice)),
          },
        })
      }
    }
    for (const dependency of this.#recommends ? one.recommends : []) {
      const need = this.#need(one, dependency, true)
      if (need !== undefined) needs.push(need)
    }
    this.#needs.set(variable, needs)
    this.#ban(variable, one)
    const fresh = this.#fresh
    this.#fresh = []
    return fresh
  }

  #need(one: ArchivePackage, dependency: Dependency, optional: boolean): Need | undefined {
    if (this.#leftOut.meet(dependency)) return undefined
    const asker = architectureOf(one, this.#universe.architecture)
    const offered = this.#candidates.of(dependency, asker).filter((candidate) => !this.#leftOut.has(candidate.name))
    this.#budget.spend(dependency.length + offered.length)
    return { choices: offered.map((candidate) => this.variable(candidate)), optional }
  }

  #ban(variable: number, one: ArchivePackage): void {
    for (const other of this.#byName.get(one.name) ?? []) this.#exclude(variable, other)
    for (const field of ['Conflicts', 'Breaks'] as const) {
      for (const relation of field === 'Conflicts' ? one.conflicts : one.breaks) {
        this.#budget.spend(1)
        const ban = { owner: variable, field, relation }
        for (const other of this.#byName.get(relation.name) ?? []) this.#forbid(ban, other)
        append(this.#bans, relation.name, ban)
      }
    }
  }

  #forbid(ban: Ban, variable: number): void {
    const { field, relation } = ban
    const owner = this.packageOf(ban.owner)
    const other = this.packageOf(variable)
    this.#budget.spend(1)
    if (!forbids(owner, relation, other, this.#universe.architecture)) return
    const fact = { kind: 'conflict', package: owner, field, relation, other } as const
    this.#fresh.push({ literals: [-ban.owner, -variable], fact })
  }

  #exclude(left: number, right: number): void {
    const one = this.packageOf(left)
    const other = this.packageOf(right)
    this.#budget.spend(1)
    if (left === right || !excludes(one, other, this.#universe.architecture)) return
    this.#fresh.push({ literals: [-left, -right], fact: { kind: 'same-name', left: one, right: other } })
  }
}

function namesOf(one: ArchivePackage): Set<string> {
  return new Set([one.name, ...one.provides.map((provision) => provision.name)])
}

function append<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, [value])
  else values.push(value)
}
