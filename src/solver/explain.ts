import { type ArchivePackage, type Dependency, formatRelation } from '#debian'
import { architectureOf, meets } from './matching.ts'
import { allows, type Request } from './request.ts'
import type { Selection } from './selection.ts'

/** One step of the way from a request to a package. */
export interface ChainLink {
  readonly package: ArchivePackage
  /** The field of the package before that asks for this one; absent for the first link, which was asked for itself. */
  readonly field?: 'Pre-Depends' | 'Depends' | 'Recommends'
  /** The dependency as it stands in that field, with all its alternatives. */
  readonly relation?: string
}

/**
 * Gives the shortest chain from a request to the selected package of that name: the first link was asked for, each next
 * one is needed by the link before it. Among equally short ones the first by name of request, then by the order of
 * fields. `undefined` when the package is not selected, or when nothing selected leads to it.
 */
export function explainPackage(selection: Selection, name: string): readonly ChainLink[] | undefined {
  const native = selection.architecture
  const before = new Map<ArchivePackage, ArchivePackage | undefined>()
  const links = new Map<ArchivePackage, ChainLink>()
  const index = indexByName(selection.packages)
  for (const one of selection.requests.flatMap((request) => askedFor(request, index, native))) {
    if (!links.has(one)) links.set(one, { package: one })
  }
  for (const one of links.keys()) {
    if (one.name === name) return chainTo(one, links, before)
    for (const { field, dependency } of dependenciesOf(one)) {
      for (const relation of dependency) {
        for (const needed of index.get(relation.name) ?? []) {
          if (links.has(needed) || !meets(relation, needed, architectureOf(one, native), native)) continue
          links.set(needed, { package: needed, field, relation: dependency.map(formatRelation).join(' | ') })
          before.set(needed, one)
        }
      }
    }
  }
  return undefined
}

/** The selected packages that a request means: those of its name, or else those that provide it. */
function askedFor(
  request: Request,
  index: ReadonlyMap<string, readonly ArchivePackage[]>,
  native: string,
): readonly ArchivePackage[] {
  const found = index.get(request.name) ?? []
  const bearers = found.filter((one) => one.name === request.name)
  return (bearers.length > 0 ? bearers : found).filter(
    (one) =>
      allows(request, one) &&
      (request.architecture === undefined || architectureOf(one, native) === request.architecture),
  )
}

function chainTo(
  last: ArchivePackage,
  links: ReadonlyMap<ArchivePackage, ChainLink>,
  before: ReadonlyMap<ArchivePackage, ArchivePackage | undefined>,
): ChainLink[] {
  const chain: ChainLink[] = []
  for (let one: ArchivePackage | undefined = last; one !== undefined; one = before.get(one)) {
    const link = links.get(one)
    if (link !== undefined) chain.unshift(link)
  }
  return chain
}

function* dependenciesOf(
  one: ArchivePackage,
): Iterable<{ field: NonNullable<ChainLink['field']>; dependency: Dependency }> {
  for (const dependency of one.preDepends) yield { field: 'Pre-Depends', dependency }
  for (const dependency of one.depends) yield { field: 'Depends', dependency }
  for (const dependency of one.recommends) yield { field: 'Recommends', dependency }
}

/** The selected packages by each name that they bear or provide. */
function indexByName(packages: readonly ArchivePackage[]): ReadonlyMap<string, readonly ArchivePackage[]> {
  const index = new Map<string, ArchivePackage[]>()
  for (const one of packages) {
    for (const name of new Set([one.name, ...one.provides.map((provision) => provision.name)])) {
      index.set(name, [...(index.get(name) ?? []), one])
    }
  }
  return index
}
