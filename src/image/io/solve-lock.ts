import {
  type ArchivePackage,
  type ArchivePlace,
  createDecoders,
  fetchPackages,
  loadLibarchive,
  type OpenArchiveOptions,
  openArchive,
  openDeb,
  readDebControl,
  type SuiteState,
  type Universe,
} from '#debian'
import { debianArchitectureOf, parsePlatform } from '#oci'
import { type Selection, withBase } from '#solver'
import type { ResolvedDefinition } from '../definition/resolve-definition.ts'
import {
  everyObserved,
  type Lock,
  type LockedBase,
  type LockedPackage,
  type ObservedSuite,
  packageKey,
  packagesOf,
} from '../lock/lock.ts'
import { makeLock } from '../make-lock.ts'
import { type PinnedVersions, pinUniverse } from '../pinned-universe.ts'
import { selectPackages } from '../select-packages.ts'

/** How a definition is solved. */
export interface SolveLockOptions {
  readonly definition: ResolvedDefinition
  /** OCI platforms to solve for. */
  readonly platforms: readonly string[]
  readonly format: number
  readonly place: ArchivePlace
  readonly acceptExpired: boolean
  /** The lock that is being updated: no suite may be older than it saw, and layers stay where they are. */
  readonly previous?: Lock
  /** Versions to stay at while the archive has them. */
  readonly pinned?: PinnedVersions
  /** What an overlay stacks on; its packages stay in their versions. */
  readonly base?: LockedBase | undefined
  /** Opens archives; each is closed when it was solved in. Default: `openArchive`. Who solves many definitions keeps them open. */
  readonly open?: ((options: OpenArchiveOptions) => ReturnType<typeof openArchive>) | undefined
}

/** A lock with what solving it showed, or why there is none. */
export type SolvedLock =
  | {
      readonly kind: 'locked'
      readonly lock: Lock
      /** By platform, then variant. */
      readonly selections: ReadonlyMap<string, ReadonlyMap<string, Selection>>
      /** Loud lines on the state of suites. */
      readonly notices: readonly string[]
    }
  | {
      readonly kind: 'impossible'
      readonly platform: string
      readonly variant: string
      readonly reasons: readonly string[]
    }

/**
 * Solves a definition against its archives as they are today, one platform after another. Throws as `openArchive` does,
 * `PLATFORM_INVALID` and `SOLVER_LIMIT`; of an overlay also as `selectPackages` and, for packages of the base that the archive
 * has no more, as `fetchPackages` and `readDebControl` do.
 */
export async function solveLock(options: SolveLockOptions): Promise<SolvedLock> {
  const { definition, previous } = options
  const archives = definition.variants.get('runtime')?.archives ?? []
  const selections = new Map<string, ReadonlyMap<string, Selection>>()
  const observed = new Map<string, ObservedSuite>()
  const notices = new Set<string>()
  for (const platform of options.platforms) {
    const archive = await (options.open ?? openArchive)({
      ...options.place,
      archives,
      architecture: debianArchitectureOf(parsePlatform(platform)),
      acceptExpired: options.acceptExpired,
      ...(previous === undefined ? {} : { floor: previous.observed }),
    })
    try {
      const { universe, below } = await universeFor(archive.universe, platform, options)
      const selected = selectPackages(universe, definition, below)
      if (selected.kind === 'impossible') return { ...selected, platform }
      selections.set(platform, selected.variants)
      for (const state of archive.observed) observed.set(`${state.archive} ${state.suite}`, observedSuite(state))
      for (const notice of archive.notices) notices.add(notice)
    } finally {
      archive.close()
    }
  }
  const lock = makeLock({
    definition,
    format: options.format,
    selections,
    observed: [...observed.values()],
    ...(previous === undefined ? {} : { previous }),
    base: options.base,
  })
  return { kind: 'locked', lock, selections, notices: [...notices] }
}

/** The universe with pinned versions first, and the packages of the base by variant. */
async function universeFor(archive: Universe, platform: string, options: SolveLockOptions) {
  const pins = options.pinned?.get(platform)
  const universe = pins === undefined ? archive : pinUniverse(archive, pins)
  const { base } = options
  if (base === undefined) return { universe, below: new Map<string, readonly ArchivePackage[]>() }
  const packages = await basePackages(archive, base.lock, { platform, place: options.place })
  const byKey = new Map(packages.map((one) => [packageKey(one), one]))
  const below = Object.keys(base.lock.definitions).map((variant) => {
    const locked = packagesOf(base.lock, platform, variant)
    return [variant, locked.flatMap((one) => byKey.get(packageKey(one)) ?? [])] as const
  })
  const versions = new Map([...packages].map((one) => [packageKey(one), one.version] as const))
  const both = new Map([...versions, ...(pins ?? [])])
  return { universe: pinUniverse(withBase(archive, packages).universe, both), below: new Map(below) }
}

/** The base's packages with what they need: from the archive while it has them, else from the .debs themselves. */
async function basePackages(
  universe: Universe,
  lock: Lock,
  { platform, place }: { platform: string; place: ArchivePlace },
): Promise<readonly ArchivePackage[]> {
  const locked = lock.platforms[platform]?.packages ?? []
  const found = locked.map((one) => universe.versions(one.name).find(({ digest }) => digest === one.digest))
  const gone = locked.filter((_one, index) => found[index] === undefined)
  const read = new Map((await readPackages(gone, lock, place)).map((one) => [one.digest, one]))
  return locked.flatMap((one, index) => found[index] ?? read.get(one.digest) ?? [])
}

/** What packages say of themselves, whatever an index says. */
async function readPackages(
  packages: readonly LockedPackage[],
  lock: Lock,
  place: ArchivePlace,
): Promise<readonly ArchivePackage[]> {
  if (packages.length === 0) return []
  const files = await fetchPackages(packages, { ...place, observed: everyObserved(lock) })
  const decoders = createDecoders(await loadLibarchive())
  return packages.map(({ filename, size, digest, archive, suite }, index) => {
    using deb = openDeb(files[index] ?? '', filename)
    return { ...readDebControl(deb, decoders).package, filename, size, digest, archive, suite }
  })
}

function observedSuite({ codename = '', suiteField = '', digest, version: _, ...state }: SuiteState): ObservedSuite {
  return { ...state, codename, suiteField, inRelease: digest, signers: [...state.signers].sort() }
}
