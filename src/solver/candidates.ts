import type { ArchivePackage, Dependency, PackageRelation, Universe } from '#debian'
import { architectureOf, meets } from './matching.ts'
import { compareText } from './order.ts'

/** `Priority` as apt ranks it: an absent one before all others. */
const PRIORITIES = ['', 'required', 'important', 'standard', 'optional', 'extra']

/**
 * What meets a dependency, in the order in which apt would try it: the alternatives in turn; of each the package that
 * bears the name, then those that provide it, essential ones first, native ones before foreign ones, then by priority;
 * last, for apt takes what its index mentions later, by source and name backwards, as Debian's indexes are sorted.
 * Of every package first the version that apt calls its candidate: the one pinned here, else the universe's first.
 * Other versions come after all candidates, where apt would give up.
 */
export class Candidates {
  readonly #universe: Universe
  readonly #pins = new Map<string, ArchivePackage>()

  constructor(universe: Universe) {
    this.#universe = universe
  }

  /** Makes a package the candidate of its name and architecture. */
  pin(candidate: ArchivePackage): void {
    this.#pins.set(this.#instance(candidate), candidate)
  }

  /** Gives the candidates, each once. `asker` is the architecture of the package that depends. */
  of(dependency: Dependency, asker: string): readonly ArchivePackage[] {
    const met = dependency.flatMap((relation) => this.#meeting(relation, asker))
    if (met.length < 2) return met
    const first = met.filter((offered) => this.#isCandidate(offered))
    return [...new Set([...first, ...met])]
  }

  #meeting(relation: PackageRelation, asker: string): ArchivePackage[] {
    const native = this.#universe.architecture
    const bearers = this.#universe.versions(relation.name)
    const providers = this.#universe.providers(relation.name)
    const meeting = bearers.filter((offered) => meets(relation, offered, asker, native))
    if (meeting.length < 2 && providers.length === 0) return meeting
    const seen = new Set<ArchivePackage>(bearers)
    for (const provider of providers) {
      if (seen.has(provider.package)) continue
      seen.add(provider.package)
      if (meets(relation, provider.package, asker, native)) meeting.push(provider.package)
    }
    return meeting.length < 2 ? meeting : meeting.sort((left, right) => this.#compare(relation.name, left, right))
  }

  #compare(name: string, left: ArchivePackage, right: ArchivePackage): number {
    return (
      Number(right.name === name) - Number(left.name === name) ||
      Number(right.essential) - Number(left.essential) ||
      this.#architectureRank(left) - this.#architectureRank(right) ||
      PRIORITIES.indexOf(left.priority) - PRIORITIES.indexOf(right.priority) ||
      compareText(right.source.name, left.source.name) ||
      compareText(right.name, left.name)
    )
  }

  #architectureRank(one: ArchivePackage): number {
    const architecture = architectureOf(one, this.#universe.architecture)
    return architecture === this.#universe.architecture ? -1 : this.#universe.foreignArchitectures.indexOf(architecture)
  }

  #isCandidate(offered: ArchivePackage): boolean {
    const pinned = this.#pins.get(this.#instance(offered))
    if (pinned !== undefined) return pinned === offered
    const native = this.#universe.architecture
    const architecture = architectureOf(offered, native)
    const candidate = this.#universe.versions(offered.name).find((one) => architectureOf(one, native) === architecture)
    return candidate === offered
  }

  #instance(one: ArchivePackage): string {
    return `${one.name}:${architectureOf(one, this.#universe.architecture)}`
  }
}
