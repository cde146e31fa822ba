import type { ArchivePackage, Provider, Universe } from '#debian'

/** A base selection's packages as a universe's own, and the universe with those that it does not offer itself. */
export interface BasedUniverse {
  readonly universe: Universe
  readonly base: readonly ArchivePackage[]
}

/**
 * Takes a base into a universe. A base may come from a lock: where the universe offers the same file, its object is
 * taken, for identity is equality there; what it no longer offers comes first among the versions of its name.
 */
export function withBase(universe: Universe, packages: readonly ArchivePackage[]): BasedUniverse {
  const gone: ArchivePackage[] = []
  const base = packages.map((one) => {
    const same = universe.versions(one.name).find((it) => isSameFile(it, one))
    if (same === undefined) gone.push(one)
    return same ?? one
  })
  return { universe: gone.length === 0 ? universe : extend(universe, gone), base }
}

function extend(universe: Universe, gone: readonly ArchivePackage[]): Universe {
  return {
    architecture: universe.architecture,
    foreignArchitectures: universe.foreignArchitectures,
    versions: (name) => [...gone.filter((one) => one.name === name), ...universe.versions(name)],
    providers: (name) => [...universe.providers(name), ...gone.flatMap((one) => providersOf(one, name))],
    names: () => universe.names(),
  }
}

function providersOf(one: ArchivePackage, name: string): Provider[] {
  if (one.name === name) return []
  return one.provides
    .filter((provision) => provision.name === name)
    .map(({ version }) => (version === undefined ? { package: one } : { package: one, version }))
}

function isSameFile(left: ArchivePackage, right: ArchivePackage): boolean {
  return left.version === right.version && left.architecture === right.architecture && left.digest === right.digest
}
