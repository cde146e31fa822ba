import type { DebComponent } from './inventory.ts'

/** What of a package is compared. */
type ComparedPackage = Pick<DebComponent, 'name' | 'version' | 'architecture' | 'source'>

/** How a package differs; `changed` is the same version for another architecture, or otherwise spelled. */
export type PackageChangeKind = 'upgraded' | 'downgraded' | 'changed' | 'added' | 'removed'

/** A package's version with its source's. */
export interface ChangedVersion {
  readonly version: string
  readonly sourceVersion: string
}

/** Binary packages of one source package that changed in the same way, from the same version to the same. */
export interface PackageChange {
  readonly kind: PackageChangeKind
  readonly source: string
  /** `undefined` where they were added. */
  readonly from: ChangedVersion | undefined
  /** `undefined` where they were removed. */
  readonly to: ChangedVersion | undefined
  /** By name, then architecture. */
  readonly packages: readonly { readonly name: string; readonly architecture: string }[]
}

/** Below 0 where the left version is the older one, as Debian orders versions (deb-version(7)). */
export type VersionOrder = (left: string, right: string) => number

const KINDS: readonly PackageChangeKind[] = ['upgraded', 'downgraded', 'changed', 'added', 'removed']

/**
 * What differs between two images' packages: by kind in the order of `KINDS`, then by source package. A package is known
 * again by name and architecture, and one of a name that is left over on each side by its name.
 */
export function comparePackages(
  from: readonly ComparedPackage[],
  to: readonly ComparedPackage[],
  order: VersionOrder,
): readonly PackageChange[] {
  const groups = new Map<string, PackageChange>()
  for (const [left, right] of pairs(from, to)) {
    const one = right ?? left
    const kind = kindOf(left, right, order)
    if (one === undefined || kind === undefined) continue
    const { name, architecture, source } = one
    const versions = { from: versionOf(left), to: versionOf(right) }
    const key = JSON.stringify([KINDS.indexOf(kind), source.name, versions])
    const packages = [...(groups.get(key)?.packages ?? []), { name, architecture }]
    groups.set(key, { kind, source: source.name, ...versions, packages: packages.sort(byName) })
  }
  return [...groups].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, change]) => change)
}

type Pair = readonly [ComparedPackage | undefined, ComparedPackage | undefined]

function pairs(from: readonly ComparedPackage[], to: readonly ComparedPackage[]): readonly Pair[] {
  const right = new Map(to.map((one) => [keyOf(one), one]))
  const found: Pair[] = []
  const alone: ComparedPackage[] = []
  for (const left of from) {
    const same = right.get(keyOf(left))
    if (same === undefined) alone.push(left)
    else found.push([left, same])
    right.delete(keyOf(left))
  }
  for (const left of alone) {
    const others = [...right.values()].filter(({ name }) => name === left.name)
    const [other] = others
    const isOnly = others.length === 1 && alone.filter(({ name }) => name === left.name).length === 1
    found.push([left, isOnly ? other : undefined])
    if (isOnly && other !== undefined) right.delete(keyOf(other))
  }
  return [...found, ...[...right.values()].map((one): Pair => [undefined, one])]
}

function kindOf(
  left: ComparedPackage | undefined,
  right: ComparedPackage | undefined,
  order: VersionOrder,
): PackageChangeKind | undefined {
  if (left === undefined) return 'added'
  if (right === undefined) return 'removed'
  const way = order(left.version, right.version)
  if (way !== 0) return way < 0 ? 'upgraded' : 'downgraded'
  return left.version === right.version && left.architecture === right.architecture ? undefined : 'changed'
}

function versionOf(one: ComparedPackage | undefined): ChangedVersion | undefined {
  return one && { version: one.version, sourceVersion: one.source.version }
}

function keyOf({ name, architecture }: ComparedPackage): string {
  return `${name}:${architecture}`
}

function byName(left: { name: string; architecture: string }, right: { name: string; architecture: string }): number {
  return left.name === right.name ? (left.architecture < right.architecture ? -1 : 1) : left.name < right.name ? -1 : 1
}
