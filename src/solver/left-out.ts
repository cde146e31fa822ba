import type { ArchivePackage, Dependency, Universe } from '#debian'

/** A package name that a selection leaves out on purpose, and why. */
export interface LeftOut {
  readonly name: string
  readonly reason: string
}

/** The names that a solve leaves out: they count as if they were there, with all they provide, whatever the version. */
export class LeftOutNames {
  /** Which of the names left out bear or provide a name. */
  readonly #bearing = new Map<string, Set<string>>()
  readonly #names: ReadonlySet<string>

  constructor(universe: Universe, leftOut: readonly LeftOut[]) {
    this.#names = new Set(leftOut.map(({ name }) => name))
    for (const name of this.#names) {
      const provided = universe.versions(name).flatMap((one) => one.provides.map((provision) => provision.name))
      for (const borne of [name, ...provided]) {
        this.#bearing.set(borne, (this.#bearing.get(borne) ?? new Set()).add(name))
      }
    }
  }

  /** Tells whether a package is one of those left out. */
  has(name: string): boolean {
    return this.#names.has(name)
  }

  /** Tells whether a dependency counts as met because one of its alternatives is left out. */
  meet(dependency: Dependency): boolean {
    return this.#names.size > 0 && dependency.some((relation) => this.#bearing.has(relation.name))
  }

  /** Gives the names of the packages with a dependency that the name left out would meet, sorted. */
  neededBy(name: string, packages: readonly ArchivePackage[]): string[] {
    const relies = (one: ArchivePackage) =>
      [...one.preDepends, ...one.depends].some((dependency) =>
        dependency.some((relation) => this.#bearing.get(relation.name)?.has(name) === true),
      )
    return [...new Set(packages.filter(relies).map((one) => one.name))].sort()
  }
}
