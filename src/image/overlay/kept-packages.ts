import type { ArchivePackage, Provider, Universe } from '#debian'
import { formatRequest, solve } from '#solver'
import type { EffectiveDefinition } from '../definition/definition.ts'

/**
 * The packages of a base that must stay in an overlay as they are: all but those that the overlay removes or leaves out,
 * those that nothing but these needed, and those that it names itself, which may move.
 */
export function keptPackages(
  packages: readonly ArchivePackage[],
  { base, packages: requests, without, remove = {} }: EffectiveDefinition,
  { architecture, foreignArchitectures }: Universe,
): readonly ArchivePackage[] {
  const named = namedByOverlay(requests, base)
  const gone = { ...remove, ...Object.fromEntries(Object.entries(without).filter(([name]) => !base?.without[name])) }
  const left = Object.keys(gone).length === 0 ? packages : needed(packages)
  return left.filter(({ name }) => !named.has(name))

  /** What is gone counts as met, so what it needed is followed no more. */
  function needed(all: readonly ArchivePackage[]): readonly ArchivePackage[] {
    const leftOut = Object.entries({ ...base?.without, ...gone }).map(([name, reason]) => ({ name, reason }))
    const asked = (base?.packages ?? []).filter(({ name }) => !leftOut.some((one) => one.name === name))
    const plain = asked.map(({ name, architecture: wanted }) => {
      return wanted === undefined ? { name } : { name, architecture: wanted }
    })
    const solution = solve(universeOf(all, { architecture, foreignArchitectures }), plain, { without: leftOut })
    return solution.kind === 'selected'
      ? solution.selection.packages
      : all.filter(({ name }) => !Object.hasOwn(gone, name))
  }
}

/** The names that are asked for now and were not by the base, or were in other words. */
function namedByOverlay(
  requests: EffectiveDefinition['packages'],
  base: EffectiveDefinition | undefined,
): ReadonlySet<string> {
  const before = new Set(base?.packages.map(formatRequest))
  return new Set(requests.filter((request) => !before.has(formatRequest(request))).map(({ name }) => name))
}

/** A universe of nothing but these packages. */
function universeOf(
  packages: readonly ArchivePackage[],
  architectures: Pick<Universe, 'architecture' | 'foreignArchitectures'>,
): Universe {
  const byName = Map.groupBy(packages, ({ name }) => name)
  const byProvision = new Map<string, Provider[]>()
  for (const one of packages) {
    for (const { name, version } of one.provides) {
      if (name === one.name) continue
      const provider: Provider = version === undefined ? { package: one } : { package: one, version }
      byProvision.set(name, [...(byProvision.get(name) ?? []), provider])
    }
  }
  return {
    ...architectures,
    versions: (name) => byName.get(name) ?? [],
    providers: (name) => byProvision.get(name) ?? [],
    names: () => [...byName.keys()].sort(),
  }
}
