import { type ArchivePlace, type OpenArchiveOptions, openArchive, type SuiteState } from '#debian'
import { debianArchitectureOf, parsePlatform } from '#oci'
import type { Selection } from '#solver'
import type { ResolvedDefinition } from '../definition/resolve-definition.ts'
import type { Lock, ObservedSuite } from '../lock/lock.ts'
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
 * `PLATFORM_INVALID` and `SOLVER_LIMIT`.
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
      const pins = options.pinned?.get(platform)
      const universe = pins === undefined ? archive.universe : pinUniverse(archive.universe, pins)
      const selected = selectPackages(universe, definition)
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
  })
  return { kind: 'locked', lock, selections, notices: [...notices] }
}

function observedSuite({ codename = '', suiteField = '', digest, version: _, ...state }: SuiteState): ObservedSuite {
  return { ...state, codename, suiteField, inRelease: digest, signers: [...state.signers].sort() }
}
