import {
  type ArchivePackage,
  type BinaryPackage,
  compareVersions,
  type Dependency,
  formatRelation,
  type InstalledPackage,
  type Universe,
} from '#debian'
import { PatchError } from './errors.ts'
import { conflictsWith, packageKey, satisfiers } from './package-state.ts'

/** An installed package and what takes its place. */
export interface Upgrade {
  readonly installed: InstalledPackage
  readonly candidate: ArchivePackage
}

/** A package that has a newer version and keeps its own. */
export interface KeptBack {
  readonly name: string
  readonly architecture: string
  readonly installed: string
  readonly candidate: string
  /** In words: `on hold`, or what the newer version would need or break. */
  readonly reason: string
}

/** What becomes newer, by name and architecture, and what does not. */
export interface UpgradePlan {
  readonly upgrades: readonly Upgrade[]
  readonly keptBack: readonly KeptBack[]
}

/** What is to become newer. */
export interface UpgradeWish {
  /** Binary or source packages; with what has to go along. All unless given. */
  readonly only?: readonly string[]
  /** `name:architecture` of packages that dpkg shall leave alone (`Status: hold …`). */
  readonly held: ReadonlySet<string>
}

/**
 * Chooses the newest version that the archive offers of each package, as `apt-get upgrade` does: nothing is installed that was
 * not there, nothing is removed, and what would break something keeps its version. The same input gives the same plan. Throws
 * `PATCH_IMPOSSIBLE` for a package of `only` that is not installed, or that has a newer version and cannot get it.
 */
export function planUpgrade(
  installed: readonly InstalledPackage[],
  universe: Universe,
  { only, held }: UpgradeWish,
): UpgradePlan {
  const candidates = new Map<string, Upgrade>()
  for (const one of installed) {
    const candidate = newestOf(one, universe)
    if (candidate !== undefined) candidates.set(packageKey(one), { installed: one, candidate })
  }
  const wished = only === undefined ? undefined : keysOf(only, installed)
  const search = new UpgradeSearch(installed, candidates, held)
  for (const key of wished ?? candidates.keys()) search.mark(key)
  search.settle()
  const impossible = search.keptBack.find(({ name, architecture }) => wished?.has(`${name}:${architecture}`))
  if (impossible !== undefined) {
    const { name, candidate, reason } = impossible
    throw new PatchError('PATCH_IMPOSSIBLE', `cannot bring ${name} to ${candidate}: ${reason}`)
  }
  return { upgrades: search.upgrades, keptBack: search.keptBack }
}

/** The candidate of apt's policy, where it is newer: the best suite's newest, of the same architecture or of none. */
function newestOf(one: InstalledPackage, universe: Universe): ArchivePackage | undefined {
  const fits = ({ architecture }: BinaryPackage) =>
    architecture === one.architecture ||
    (architecture === 'all' && one.architecture === universe.architecture) ||
    (one.architecture === 'all' && architecture === universe.architecture)
  const candidate = universe.versions(one.name).find(fits)
  return candidate !== undefined && compareVersions(candidate.version, one.version) > 0 ? candidate : undefined
}

function keysOf(names: readonly string[], installed: readonly InstalledPackage[]): ReadonlySet<string> {
  const keys = new Set<string>()
  for (const name of names) {
    const own = installed.filter((one) => one.name === name || one.source.name === name)
    if (own.length === 0) throw new PatchError('PATCH_IMPOSSIBLE', `cannot patch ${name}: the image does not have it`)
    for (const one of own) keys.add(packageKey(one))
  }
  return keys
}

/** A relation that does not hold in a state of packages. */
interface Fault {
  readonly package: BinaryPackage
  /** In words, of the package. */
  readonly reason: string
  /** What is needed and not there; of a conflict nothing. */
  readonly needed?: Dependency
  /** The other side of a conflict. */
  readonly other?: BinaryPackage
}

class UpgradeSearch {
  readonly #installed: readonly InstalledPackage[]
  readonly #candidates: ReadonlyMap<string, Upgrade>
  readonly #state: Map<string, BinaryPackage>
  readonly #kept = new Map<string, string>()
  /** What was broken before anything was changed is not held against an upgrade. */
  readonly #before: ReadonlySet<string>

  constructor(
    installed: readonly InstalledPackage[],
    candidates: ReadonlyMap<string, Upgrade>,
    held: ReadonlySet<string>,
  ) {
    this.#installed = installed
    this.#candidates = candidates
    this.#state = new Map(installed.map((one) => [packageKey(one), one]))
    this.#before = new Set(this.#faults().map(nameOfFault))
    for (const key of candidates.keys()) if (held.has(key)) this.#kept.set(key, 'it is on hold')
  }

  get upgrades(): readonly Upgrade[] {
    return [...this.#candidates].filter(([key]) => this.#isUpgraded(key)).map(([, upgrade]) => upgrade)
  }

  get keptBack(): readonly KeptBack[] {
    return [...this.#kept].sort(byKey).flatMap(([key, reason]) => {
      const upgrade = this.#candidates.get(key)
      if (upgrade === undefined) return []
      const { name, architecture, version } = upgrade.installed
      return [{ name, architecture, installed: version, candidate: upgrade.candidate.version, reason }]
    })
  }

  /** Puts a package's candidate in its place; tells whether that changed anything. */
  mark(key: string): boolean {
    const upgrade = this.#candidates.get(key)
    if (upgrade === undefined || this.#kept.has(key) || this.#isUpgraded(key)) return false
    this.#state.set(key, upgrade.candidate)
    return true
  }

  /** Takes along what makes whole, keeps back what breaks, until nothing is broken that was whole before. */
  settle(): void {
    for (;;) {
      const faults = this.#faults().filter((fault) => !this.#before.has(nameOfFault(fault)))
      if (faults.length === 0) return
      if (faults.some((fault) => this.#takeAlong(fault))) continue
      const kept = this.#kept.size
      for (const fault of faults) this.#keepBack(fault)
      if (this.#kept.size === kept) throw unsettled(faults)
    }
  }

  #takeAlong({ package: own, needed, other }: Fault): boolean {
    if (other !== undefined) return this.mark(packageKey(other)) || this.mark(packageKey(own))
    const helps = (upgrade: Upgrade) => needed !== undefined && satisfiers(needed, own, [upgrade.candidate]).length > 0
    const key = [...this.#candidates].find(([key, upgrade]) => !this.#isUpgraded(key) && helps(upgrade))?.[0]
    // An older package that wants just the version that is replaced may want the newer one by its own newer version.
    return (key !== undefined && this.mark(key)) || this.mark(packageKey(own))
  }

  #keepBack({ package: own, reason, needed, other }: Fault): void {
    const key = packageKey(own)
    if (this.#isUpgraded(key)) {
      this.#revert(key, reason)
      return
    }
    const culprits = other === undefined ? this.#replacedFor(needed ?? [], own) : [packageKey(other)]
    for (const culprit of culprits) this.#revert(culprit, `${own.name} ${own.version}: ${reason}`)
  }

  /** Upgraded packages whose older versions are what a package needs. */
  #replacedFor(needed: Dependency, own: BinaryPackage): readonly string[] {
    const before = this.#installed.filter((one) => this.#isUpgraded(packageKey(one)))
    return satisfiers(needed, own, before).map(packageKey)
  }

  #revert(key: string, reason: string): void {
    const upgrade = this.#candidates.get(key)
    if (upgrade === undefined || !this.#isUpgraded(key)) return
    this.#state.set(key, upgrade.installed)
    this.#kept.set(key, reason)
  }

  #isUpgraded(key: string): boolean {
    const upgrade = this.#candidates.get(key)
    return upgrade !== undefined && this.#state.get(key) === upgrade.candidate
  }

  #faults(): Fault[] {
    const packages = [...this.#state.values()]
    const offered = offersOf(packages)
    return packages.flatMap((own) => [...needsOf(own, offered), ...conflictsOf(own, offered)])
  }
}

/** By each name that packages bear or provide, those that do. */
function offersOf(packages: readonly BinaryPackage[]): ReadonlyMap<string, readonly BinaryPackage[]> {
  const offers = new Map<string, BinaryPackage[]>()
  for (const one of packages) {
    for (const name of new Set([one.name, ...one.provides.map((provision) => provision.name)])) {
      const own = offers.get(name)
      if (own === undefined) offers.set(name, [one])
      else own.push(one)
    }
  }
  return offers
}

function needsOf(own: BinaryPackage, offered: ReadonlyMap<string, readonly BinaryPackage[]>): Fault[] {
  return [...own.preDepends, ...own.depends].flatMap((needed): Fault[] => {
    const among = needed.flatMap(({ name }) => offered.get(name) ?? [])
    if (satisfiers(needed, own, among).length > 0) return []
    return [{ package: own, needed, reason: `it needs ${needed.map(formatRelation).join(' | ')}` }]
  })
}

function conflictsOf(own: BinaryPackage, offered: ReadonlyMap<string, readonly BinaryPackage[]>): Fault[] {
  return [...own.conflicts, ...own.breaks].flatMap((relation) => {
    const others = (offered.get(relation.name) ?? []).filter((other) => conflictsWith(own, relation, other))
    return others.map((other) => {
      const reason = `it does not go with ${formatRelation(relation)}, which ${other.name} ${other.version} is`
      return { package: own, other, reason }
    })
  })
}

/** No upgrade is to blame, so keeping one back would not help. */
function unsettled(faults: readonly Fault[]): PatchError {
  const reasons = faults.map(({ package: own, reason }) => `${own.name} ${own.version}: ${reason}`)
  return new PatchError('PATCH_IMPOSSIBLE', `cannot choose newer packages: ${reasons.join('; ')}`)
}

function nameOfFault({ package: own, reason }: Fault): string {
  return `${packageKey(own)} ${own.version} ${reason}`
}

function byKey([left]: readonly [string, string], [right]: readonly [string, string]): number {
  return left < right ? -1 : 1
}
