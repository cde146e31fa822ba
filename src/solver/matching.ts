import { type ArchivePackage, type PackageRelation, satisfies } from '#debian'

/** Gives the architecture that a package counts as: `all` counts as the native one (deb-control(5), "Multi-Arch"). */
export function architectureOf(one: ArchivePackage, native: string): string {
  return one.architecture === 'all' ? native : one.architecture
}

/**
 * Tells whether `offered` meets a positive relation of a package of architecture `asker`. Without qualifier it must be of
 * that architecture or `Multi-Arch: foreign`; `:any` takes `Multi-Arch: allowed` only, as dpkg and apt have it.
 */
export function meets(relation: PackageRelation, offered: ArchivePackage, asker: string, native: string): boolean {
  return fitsArchitecture(relation, offered, asker, native) && bearsOrProvides(relation, offered)
}

/**
 * Tells whether a Conflicts or Breaks relation of `owner` speaks of `other`. Without qualifier it holds for every
 * architecture. A package never conflicts with its own name: other versions of it are excluded by `excludes`.
 */
export function forbids(
  owner: ArchivePackage,
  relation: PackageRelation,
  other: ArchivePackage,
  native: string,
): boolean {
  if (owner.name === other.name) return false
  if (relation.qualifier !== undefined && !fitsArchitecture(relation, other, native, native)) return false
  return bearsOrProvides(relation, other)
}

/**
 * Tells whether two packages of one name cannot be installed together: always, but for `Multi-Arch: same` in one
 * version for two architectures.
 */
export function excludes(left: ArchivePackage, right: ArchivePackage, native: string): boolean {
  if (left.name !== right.name) return false
  const coinstallable = left.multiArch === 'same' && right.multiArch === 'same' && left.version === right.version
  return !coinstallable || architectureOf(left, native) === architectureOf(right, native)
}

function fitsArchitecture(relation: PackageRelation, offered: ArchivePackage, asker: string, native: string): boolean {
  switch (relation.qualifier) {
    case undefined:
      return offered.multiArch === 'foreign' || architectureOf(offered, native) === asker
    case 'any':
      return offered.multiArch === 'allowed'
    case 'native':
      return architectureOf(offered, native) === native
    default:
      return architectureOf(offered, native) === relation.qualifier
  }
}

/** An unversioned provision meets only unversioned relations (deb-control(5), "Provides"). */
function bearsOrProvides(relation: PackageRelation, offered: ArchivePackage): boolean {
  if (offered.name === relation.name && satisfies(offered.version, relation.operator, relation.version)) return true
  return offered.provides.some(
    (provision) =>
      provision.name === relation.name &&
      (relation.operator === undefined ||
        (provision.version !== undefined && satisfies(provision.version, relation.operator, relation.version))),
  )
}
