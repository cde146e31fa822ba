import type { ArchivePackage, Universe } from '#debian'
import { type Lock, packageKey } from './lock/lock.ts'

/** Versions to stay at, by OCI platform and `packageKey`. */
export type PinnedVersions = ReadonlyMap<string, ReadonlyMap<string, string>>

/** The versions that a lock holds, but for the packages that shall be taken anew. */
export function pinnedVersions(lock: Lock, anew: ReadonlySet<string>): PinnedVersions {
  const platforms = Object.entries(lock.platforms).map(([platform, { packages }]) => {
    const kept = packages.filter(({ name }) => !anew.has(name))
    return [platform, new Map(kept.map((one) => [packageKey(one), one.version]))] as const
  })
  return new Map(platforms)
}

/**
 * A universe in which pinned versions come before newer ones, so that a selection stays at them while it can. A version
 * that the archive no longer has is not made up: the package then moves on.
 */
export function pinUniverse(universe: Universe, pinned: ReadonlyMap<string, string>): Universe {
  const ordered = new Map<string, readonly ArchivePackage[]>()
  const isPinned = (one: ArchivePackage) => pinned.get(packageKey(one)) === one.version
  return {
    architecture: universe.architecture,
    foreignArchitectures: universe.foreignArchitectures,
    names: () => universe.names(),
    providers: (name) => universe.providers(name),
    versions(name) {
      let versions = ordered.get(name)
      if (versions === undefined) {
        const all = universe.versions(name)
        versions = all.some(isPinned) ? [...all.filter(isPinned), ...all.filter((one) => !isPinned(one))] : all
        ordered.set(name, versions)
      }
      return versions
    },
  }
}
