import { type BinaryPackage, type Dependency, type PackageRelation, satisfies } from '#debian'

/** What dpkg tells packages apart by. */
export function packageKey({ name, architecture }: Pick<BinaryPackage, 'name' | 'architecture'>): string {
  return `${name}:${architecture}`
}

/** Those of the packages that satisfy a dependency of `own` (deb-control(5), "Depends"; Debian policy 7.5 for what is provided). */
export function satisfiers<Package extends BinaryPackage>(
  dependency: Dependency,
  own: BinaryPackage,
  packages: readonly Package[],
): readonly Package[] {
  return packages.filter((one) =>
    dependency.some((relation) => servesArchitecture(relation, own, one) && isMeant(relation, one)),
  )
}

/** Whether a `Conflicts` or `Breaks` of `own` means another package. No package conflicts with itself by what it provides. */
export function conflictsWith(own: BinaryPackage, relation: PackageRelation, other: BinaryPackage): boolean {
  if (own.name === other.name) return false
  return isMeant(relation, other)
}

function isMeant({ name, operator, version }: PackageRelation, one: BinaryPackage): boolean {
  if (one.name === name && satisfies(one.version, operator, version)) return true
  return one.provides.some((provision) => {
    if (provision.name !== name) return false
    if (operator === undefined) return true
    return provision.version !== undefined && satisfies(provision.version, operator, version)
  })
}

/** Multi-Arch as dpkg reads it for dependencies (deb-control(5), "Multi-Arch"). */
function servesArchitecture(relation: PackageRelation, own: BinaryPackage, one: BinaryPackage): boolean {
  if (relation.qualifier === 'any') return one.multiArch === 'allowed' || one.multiArch === 'foreign'
  if (relation.qualifier !== undefined && relation.qualifier !== 'native')
    return one.architecture === relation.qualifier
  if (own.architecture === 'all' || one.architecture === 'all') return true
  return one.architecture === own.architecture || one.multiArch === 'foreign'
}
