import { type AdvisoryKind, encodeStore, type OpenStore, openAdvisoryStore, openStore, type PartState } from '#advisory'
import {
  type ArchivePlace,
  BUILT_IN_ARCHIVES,
  changesSince,
  defaultCacheFolder,
  type OpenArchive,
  openArchive,
  readArchives,
} from '#debian'
import { type ArchiveUpdate, archiveUpdates, type Matches, matchUpdates, releaseOf, type UpdateChanges } from '#match'
import type { Inventory } from '#sbom'
import { readChangelogs } from './changelogs.ts'
import { UsageError } from './errors.ts'
import { placeOf } from './place.ts'
import type { Terminal } from './terminal.ts'
import type { PlaceOptions } from './verb.ts'

/** What findings rest on: what Debian's advisories say, or what its archive has. */
export type ScanEvidence = 'advisories' | 'archive'

/** The store that the cache holds, or one without parts. */
export function openScanStore(): OpenStore {
  const store = openStore(defaultCacheFolder())
  if (store !== undefined) return store
  const bytes = Buffer.concat(encodeStore([]))
  const read = (offset: number, length: number) => bytes.subarray(offset, offset + length)
  return Object.assign(openAdvisoryStore({ path: 'empty', size: bytes.length, read }), { close: () => {} })
}

/** The evidence that is asked for; where none is, the archive stands in for Debian's advisories that are not there. */
export function evidenceOf(
  asked: ScanEvidence | undefined,
  parts: readonly PartState[],
  debianKinds: readonly AdvisoryKind[],
): ScanEvidence {
  return asked ?? (parts.some(({ kind }) => debianKinds.includes(kind)) ? 'advisories' : 'archive')
}

/**
 * Holds an image against the archive of its release: newer versions, with the CVEs of the changelog entries in between.
 * Says loudly what that leaves unsaid. Rejects with `USAGE_INVALID` when no archive is known for the release, and as
 * `openArchive` and `fetchPackages` do.
 */
export async function archiveMatches(
  inventory: Inventory,
  { store, options, terminal }: { store: OpenStore; options: PlaceOptions; terminal: Terminal },
): Promise<Matches> {
  const { packages } = inventory
  const release = releaseOf(inventory)
  const archives = [...(await readArchives([BUILT_IN_ARCHIVES])).values()].map(({ archive }) => archive)
  const archive = archives.find((each) => each.release?.codename === release)
  if (archive === undefined)
    throw new UsageError('USAGE_INVALID', `cannot scan by the archive: none is known for ${release}`)
  const security = archive.suites
    .filter(({ identity }) => identity.label === 'Debian-Security')
    .map(({ suite }) => suite)
  const place = await placeOf(options)
  terminal.progress(`reading the suites of ${archive.name} …`)
  const open = await openArchive({
    ...place,
    archives: [archive.name],
    architecture: architectureOf(packages),
    ...(options.acceptExpired === undefined ? {} : { acceptExpired: options.acceptExpired }),
  })
  try {
    for (const notice of open.notices) terminal.warn(notice)
    const found = archiveUpdates(packages, open.universe, new Set(security))
    terminal.progress(`reading the changelogs of ${found.updates.length} updates …`)
    const changes = await readChanges(found.updates, open, place)
    terminal.progress('')
    warnOfLimits(open, found.unknown, terminal)
    return matchUpdates(found, (update) => changes.get(update) ?? 'its changelog was not read', store)
  } finally {
    open.close()
  }
}

function warnOfLimits(open: OpenArchive, unknown: readonly string[], terminal: Terminal): void {
  const suites = open.observed.map(({ suite, date }) => `${suite} of ${date}`).join(', ')
  terminal.warn(
    `findings are what the ARCHIVE has newer versions for (${suites}), by their changelogs: issues that have no update are not seen`,
  )
  if (unknown.length > 0) terminal.warn(`the archive does not have ${unknown.join(', ')}: of these nothing is known`)
}

/** The architecture that most packages are of. */
function architectureOf(packages: Inventory['packages']): string {
  const counts = new Map<string, number>()
  for (const { architecture } of packages) {
    if (architecture !== 'all') counts.set(architecture, (counts.get(architecture) ?? 0) + 1)
  }
  return [...counts].sort(([, one], [, other]) => other - one)[0]?.[0] ?? 'amd64'
}

/** The changes of each update, from the changelog of the smallest package that has it, or that it leads to. */
async function readChanges(
  updates: readonly ArchiveUpdate[],
  open: OpenArchive,
  place: ArchivePlace,
): Promise<ReadonlyMap<ArchiveUpdate, UpdateChanges>> {
  const changes = new Map<ArchiveUpdate, UpdateChanges>()
  const found = await readChangelogs(updates, open, place, ({ installed, version }, entries) =>
    changesSince(entries, installed, version),
  )
  for (const update of updates) {
    changes.set(update, found.get(update) ?? 'no package of it has a changelog of this version')
  }
  return changes
}
