import { type OpenStore, openStore as openAdvisories } from '#advisory'
import {
  BUILT_IN_ARCHIVES,
  defaultCacheFolder,
  type OpenArchive,
  type OpenArchiveOptions,
  openArchive,
  readArchives,
  type Universe,
} from '#debian'
import {
  type ArchiveChange,
  type CloseFindings,
  closeByAdvisories,
  type DisclosureOf,
  disclosedBy,
  type FactoryStore,
  Fleet,
  type HeldPackage,
  newerThanHeld,
  type PlanInput,
  Planner,
  SeenOffers,
  type SuiteStanding,
  type UpdatePolicy,
} from '#factory'
import { debianArchitectureOf, parsePlatform } from '#oci'
import type { FleetDefinitions } from './fleet-definitions.ts'
import { placeOf } from './place.ts'
import type { Terminal } from './terminal.ts'
import type { PlaceOptions } from './verb.ts'

/** What is said of archives by their definitions. */
export interface ArchiveFacts {
  standing(archive: string, suite: string): SuiteStanding
  /** The codename of the release that an archive is of. */
  release(archive: string): string | undefined
}

/** Reads the archives that plans may meet: those that ship, and those beside definitions. Rejects with `ARCHIVE_INVALID`. */
export async function readArchiveFacts(folders: readonly string[]): Promise<ArchiveFacts> {
  const files = await readArchives([BUILT_IN_ARCHIVES, ...folders])
  return {
    standing: (archive, suite) => {
      const found = files.get(archive)?.archive.suites.find((one) => one.suite === suite)
      return { isSecurity: found?.identity.label === 'Debian-Security', priority: found?.priority ?? 500 }
    },
    release: (archive) => files.get(archive)?.archive.release?.codename,
  }
}

/** What finds out which findings a move closes, and which advisories that rests on; none where nothing was imported. */
export function openFindings(facts: ArchiveFacts): {
  readonly closes: CloseFindings
  readonly disclosed: DisclosureOf
  readonly advisories: OpenStore | undefined
  close(): void
} {
  const advisories = openAdvisories(defaultCacheFolder())
  if (advisories === undefined) return { closes: () => [], disclosed: () => undefined, advisories, close: () => {} }
  const closes = closeByAdvisories(advisories, facts.release)
  return { closes, disclosed: disclosedBy(advisories), advisories, close: () => advisories.close() }
}

/** What only a place of building or a database knows of a plan. */
export type PlanBasis = Omit<PlanInput, 'closes' | 'policy' | 'now'>

/** What a planner goes by that may be another one with each plan. */
export interface PlannerBasis {
  readonly definitions: FleetDefinitions
  readonly facts: ArchiveFacts
  readonly findings: Pick<ReturnType<typeof openFindings>, 'closes' | 'disclosed'>
}

/** What a planner needs of a place. */
export interface PlannerPlace {
  readonly store: FactoryStore
  readonly place: PlaceOptions
  readonly policy: UpdatePolicy
  readonly now: () => string
  readonly terminal: Pick<Terminal, 'warn'>
}

/** The planner of a factory that has its definitions, archives and advisories here; `basis` gives those of the plan that is being made. */
export function plannerOf({ store, place, policy, now, terminal }: PlannerPlace, basis: () => PlannerBasis): Planner {
  return new Planner({
    ...{ store, policy, now },
    definitions: async () => basis().definitions.images,
    standing: (archive, suite) => basis().facts.standing(archive, suite),
    closes: (move) => basis().findings.closes(move),
    disclosed: (advisory) => basis().findings.disclosed(advisory),
    look: async (fleet, archives) => {
      const options = { ...(await placeOf(place, basis().definitions.files)), ...expiry(place) }
      const { changes, notices } = await lookAtArchives(fleet, { ...options, archives })
      for (const notice of notices) terminal.warn(notice)
      return changes
    },
  })
}

/** Whether suites past their Valid-Until are taken. */
export function expiry({ acceptExpired }: PlaceOptions): { readonly acceptExpired?: boolean } {
  return acceptExpired === undefined ? {} : { acceptExpired }
}

/**
 * Holds locks against their archives. What is newer counts as seen when the oldest lock saw the suite last, because it may have
 * come at once after that; or at `since`. Rejects as `openArchive` does.
 */
export async function basisOfLocks(
  definitions: FleetDefinitions,
  options: Omit<OpenArchiveOptions, 'archives' | 'architecture'>,
  { facts, now, since }: { readonly facts: ArchiveFacts; readonly now: string; readonly since: string | undefined },
): Promise<{ readonly basis: PlanBasis; readonly notices: readonly string[] }> {
  const fleet = new Fleet(definitions.images.filter(({ image }) => !definitions.unlocked.has(image)))
  const offers = new SeenOffers(facts.standing)
  const { changes, notices } = await lookAtArchives(fleet, { ...options, archives: definitions.archives })
  for (const change of changes) offers.add(change, { event: 0, seen: since ?? lastSeen(definitions, change) ?? now })
  const nothing = { events: [], holds: [], alarms: new Map(), approvals: new Map(), waiting: new Map() }
  return { basis: { ...nothing, underway: new Map(), failed: new Map(), fleet, offers }, notices }
}

/** What archives have today that is newer than what a fleet holds, for all of its architectures. Rejects as `openArchive` does. */
async function lookAtArchives(
  fleet: Fleet,
  options: Omit<OpenArchiveOptions, 'architecture'>,
): Promise<{ readonly changes: readonly ArchiveChange[]; readonly notices: readonly string[] }> {
  const platforms = new Set(fleet.members.flatMap(({ contents }) => [...contents.keys()]))
  const architectures = new Set([...platforms].map((platform) => debianArchitectureOf(parsePlatform(platform))))
  const opened: OpenArchive[] = []
  try {
    for (const architecture of [...architectures].sort()) opened.push(await openArchive({ ...options, architecture }))
    const universes = new Map<string, Universe>(opened.map(({ universe }) => [universe.architecture, universe]))
    const [first] = opened
    const offered = ({ name, architecture }: HeldPackage) =>
      (universes.get(architecture) ?? first?.universe)?.versions(name) ?? []
    const changes = newerThanHeld(fleet.packages(), offered, first?.observed ?? [])
    return { changes, notices: [...new Set(opened.flatMap(({ notices }) => notices))] }
  } finally {
    for (const archive of opened) archive.close()
  }
}

function lastSeen({ observed }: FleetDefinitions, { archive, suite }: ArchiveChange): string | undefined {
  const dates = observed.filter((one) => one.archive === archive && one.suite === suite).map(({ date }) => date)
  const [oldest] = dates.sort()
  return oldest === undefined ? undefined : new Date(oldest).toISOString()
}
