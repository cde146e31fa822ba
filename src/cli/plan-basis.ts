import { type AdvisoryStore, openStore as openAdvisories } from '#advisory'
import {
  BUILT_IN_ARCHIVES,
  defaultCacheFolder,
  type OpenArchive,
  openArchive,
  readArchives,
  type Universe,
} from '#debian'
import {
  type ArchiveChange,
  alarmsOf,
  type CloseFindings,
  closeByAdvisories,
  type DisclosureOf,
  disclosedBy,
  type FactoryEvent,
  type FactoryLogs,
  Fleet,
  type FleetImage,
  type HeldPackage,
  newerThanHeld,
  type PlanInput,
  parseArchiveChange,
  SeenOffers,
  type SuiteStanding,
} from '#factory'
import { debianArchitectureOf, parsePlatform } from '#oci'
import type { FleetDefinitions } from './fleet-definitions.ts'

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
  readonly advisories: AdvisoryStore | undefined
  close(): void
} {
  const advisories = openAdvisories(defaultCacheFolder())
  const closes = advisories === undefined ? () => [] : closeByAdvisories(advisories, facts.release)
  const disclosed = advisories === undefined ? () => undefined : disclosedBy(advisories)
  return { closes, disclosed, advisories, close: () => advisories?.close() }
}

/** What only a place of building or a database knows of a plan. */
export interface PlanBasis
  extends Pick<PlanInput, 'events' | 'fleet' | 'holds' | 'alarms' | 'approvals' | 'waiting' | 'underway'> {
  readonly offers: SeenOffers
  /** Of suites that were looked at for the first time: they tell nothing of what was older before. */
  readonly firstSeen: readonly FirstSeen[]
}

/** A suite that was looked at for the first time. */
interface FirstSeen {
  readonly archive: string
  readonly suite: string
  readonly event: number
  readonly seen: string
}

/** Events at a time: what is in memory. */
const BATCH = 500
const ARCHIVE_EVENTS = ['archive-changed', 'archive-alarm', 'archive-recovered'] as const

/** What a factory's memory says: images are what their last release is, before it what their lock is. */
export async function basisOfStore(
  store: Pick<FactoryLogs, 'events' | 'fleet' | 'decisions'>,
  definitions: FleetDefinitions,
  { facts, now, since }: { readonly facts: ArchiveFacts; readonly now: string; readonly since: string | undefined },
): Promise<PlanBasis> {
  const fleet = new Fleet(await releasedImages(store, definitions.images))
  const offers = new SeenOffers(facts.standing)
  const told: FactoryEvent[] = []
  const alarms: FactoryEvent[] = []
  const firstSeen: FirstSeen[] = []
  for (let last = 0; ; ) {
    const events = await store.events.ofKinds(ARCHIVE_EVENTS, last, BATCH)
    for (const event of events) {
      if (event.kind !== 'archive-changed') alarms.push(event)
      else {
        const change = parseArchiveChange(event)
        const { archive, suite } = change
        if (change.from === undefined) firstSeen.push({ archive, suite, event: event.id, seen: event.seen })
        offers.add(change, { event: event.id, seen: event.seen })
      }
      if (since !== undefined && event.seen >= since) told.push(event)
      last = event.id
    }
    offers.forget(fleet.packages())
    if (events.length < BATCH) break
  }
  const names = fleet.members.map(({ image }) => image)
  const open = await store.events.open(10_000)
  const events = new Map([...told, ...open].map((event) => [event.id, event]))
  return {
    events: [...events.values()].sort((left, right) => left.id - right.id),
    fleet,
    offers,
    holds: await store.decisions.holds(now),
    alarms: alarmsOf(alarms),
    approvals: await store.fleet.approvals(names),
    waiting: await store.fleet.waiting(names),
    underway: new Map(),
    firstSeen,
  }
}

/**
 * Holds images that are older than the first look at a suite against what the archive has today, because no event tells what they
 * lack. Gives loud lines on the state of suites. Rejects as `openArchive` does.
 */
export async function firstLooks(
  { fleet, offers, firstSeen }: PlanBasis,
  options: Omit<Parameters<typeof openArchive>[0], 'archives' | 'architecture'>,
): Promise<readonly string[]> {
  const older = firstSeen.filter(({ seen }) =>
    fleet.members.some(({ released }) => released === undefined || released < seen),
  )
  if (older.length === 0) return []
  const archives = [...new Set(older.map(({ archive }) => archive))].sort()
  const { changes, notices } = await lookAtArchives(fleet, { ...options, archives })
  for (const change of changes) {
    const first = older.find(({ archive, suite }) => archive === change.archive && suite === change.suite)
    if (first !== undefined) offers.add(change, first)
  }
  return notices
}

/** Definitions say how images hang together, releases what they hold. Of an image without a definition only that is known. */
async function releasedImages(
  { fleet }: Pick<FactoryLogs, 'fleet'>,
  defined: readonly FleetImage[],
): Promise<readonly FleetImage[]> {
  const heads = await fleet.heads()
  const packages = await fleet.contents(heads.map(({ contents }) => contents))
  const images = new Map<string, FleetImage>(defined.map((one) => [one.image, one]))
  for (const [image, own] of Map.groupBy(heads, (head) => head.image)) {
    const contents = new Map<string, readonly HeldPackage[]>()
    for (const { platform, contents: set } of own) {
      contents.set(platform, joined(contents.get(platform) ?? [], packages.get(set) ?? []))
    }
    const known = images.get(image) ?? { image, parent: undefined, requests: [] }
    const released = own
      .map((head) => head.released)
      .sort()
      .at(-1)
    images.set(image, { ...known, contents, released })
  }
  return [...images.values()]
}

/** The packages of several variants: the same ones once. */
function joined(some: readonly HeldPackage[], more: readonly HeldPackage[]): readonly HeldPackage[] {
  const key = ({ name, architecture, version }: HeldPackage) => `${name} ${architecture} ${version}`
  return [...new Map([...some, ...more].map((one) => [key(one), one])).values()]
}

/**
 * Holds locks against their archives. What is newer counts as seen when the oldest lock saw the suite last, because it may have
 * come at once after that; or at `since`. Rejects as `openArchive` does.
 */
export async function basisOfLocks(
  definitions: FleetDefinitions,
  options: Omit<Parameters<typeof openArchive>[0], 'archives' | 'architecture'>,
  { facts, now, since }: { readonly facts: ArchiveFacts; readonly now: string; readonly since: string | undefined },
): Promise<{ readonly basis: PlanBasis; readonly notices: readonly string[] }> {
  const fleet = new Fleet(definitions.images.filter(({ image }) => !definitions.unlocked.has(image)))
  const offers = new SeenOffers(facts.standing)
  const { changes, notices } = await lookAtArchives(fleet, { ...options, archives: definitions.archives })
  for (const change of changes) offers.add(change, { event: 0, seen: since ?? lastSeen(definitions, change) ?? now })
  const nothing = { events: [], holds: [], firstSeen: [], alarms: new Map(), approvals: new Map(), waiting: new Map() }
  return { basis: { ...nothing, underway: new Map(), fleet, offers }, notices }
}

/** What archives have today that is newer than what a fleet holds, for all of its architectures. */
async function lookAtArchives(
  fleet: Fleet,
  options: Omit<Parameters<typeof openArchive>[0], 'architecture'>,
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
