import { gunzipSync } from 'node:zlib'
import { type AdvisoryKind, encodeStore, type OpenStore, openAdvisoryStore, openStore, type PartState } from '#advisory'
import {
  type ArchivePackage,
  BUILT_IN_ARCHIVES,
  changesSince,
  createDecoders,
  type DecoderFactory,
  defaultCacheFolder,
  fetchPackages,
  loadLibarchive,
  type OpenArchive,
  openArchive,
  openDeb,
  parseChangelog,
  readArchives,
  readDebData,
  readDebMembers,
} from '#debian'
import { type ArchiveUpdate, archiveUpdates, type Matches, matchUpdates, releaseOf, type UpdateChanges } from '#match'
import type { Inventory } from '#sbom'
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
    const reading = new ChangelogReading(open, place, createDecoders(await loadLibarchive()))
    const changes = await reading.read(found.updates)
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

/** What a package holds at the place of its changelog: the text, or the package that has it. */
type FoundChangelog = { readonly text: string } | { readonly linked: string } | undefined

/** .debs that are read for one update, links followed. */
const TRIES = 4

/** Bytes that a changelog may have. */
const CHANGELOG_LIMIT = 32 << 20

class ChangelogReading {
  readonly #open: OpenArchive
  readonly #place: Parameters<typeof fetchPackages>[1]
  readonly #decoders: DecoderFactory

  constructor(open: OpenArchive, place: Parameters<typeof fetchPackages>[1], decoders: DecoderFactory) {
    this.#open = open
    this.#decoders = decoders
    this.#place = { ...place, observed: open.observed }
  }

  /** Reads the changelog of each update from the smallest package that has it, or that it leads to. */
  async read(updates: readonly ArchiveUpdate[]): Promise<ReadonlyMap<ArchiveUpdate, UpdateChanges>> {
    const changes = new Map<ArchiveUpdate, UpdateChanges>()
    let open = updates.map((update) => ({ update, queue: [...update.candidates], read: new Set<string>() }))
    for (let round = 0; round < TRIES && open.length > 0; round++) {
      const wanted = open.flatMap(({ queue }) => queue.slice(0, 1))
      const paths = await fetchPackages(wanted, this.#place)
      const pathOf = new Map(wanted.map((each, index) => [each, paths[index]]))
      for (const { update, queue, read } of open) {
        const candidate = queue.shift()
        const path = candidate && pathOf.get(candidate)
        if (candidate === undefined || path === undefined) continue
        read.add(candidate.name)
        const found = this.#changes(update, candidate, path)
        if (typeof found === 'object') changes.set(update, found)
        else if (found !== undefined && !read.has(found)) queue.unshift(...this.#named(found, update))
      }
      open = open.filter(({ update, queue }) => !changes.has(update) && queue.length > 0)
    }
    for (const update of updates) {
      if (!changes.has(update)) changes.set(update, 'no package of it has a changelog of this version')
    }
    return changes
  }

  /** The changes that a package tells, or the name of the package that does. */
  #changes({ installed, version }: ArchiveUpdate, { name }: ArchivePackage, path: string) {
    const found = this.#changelogOf(name, path)
    if (found === undefined) return undefined
    return 'linked' in found ? found.linked : changesSince(parseChangelog(found.text), installed, version)
  }

  #named(name: string, { source, version }: ArchiveUpdate): readonly ArchivePackage[] {
    const isOf = (each: ArchivePackage) => each.source.name === source && each.source.version === version
    return this.#open.universe.versions(name).filter(isOf).slice(0, 1)
  }

  /** Documentation may lie in another package of the same source, by a link of the folder or of the file. */
  #changelogOf(name: string, path: string): FoundChangelog {
    const folder = `/usr/share/doc/${name}`
    const names = [`${folder}/changelog.Debian.gz`, `${folder}/changelog.gz`]
    const contents = new Map<string, Uint8Array[]>()
    let linked: string | undefined
    using source = openDeb(path)
    readDebData(source, readDebMembers(source).data, {
      decoders: this.#decoders,
      onEntry: (entry) => {
        const isChangelog = names.includes(entry.path)
        if (entry.type === 'symlink' && (entry.path === folder || isChangelog)) {
          const target = URL.parse(entry.linkPath, `file://${entry.path}`)
          linked = /^\/usr\/share\/doc\/([^/]+)/.exec(target?.pathname ?? '')?.[1]
        }
        if (entry.type !== 'file' || !isChangelog || entry.size > CHANGELOG_LIMIT) return undefined
        const chunks: Uint8Array[] = []
        contents.set(entry.path, chunks)
        return { write: (chunk) => void chunks.push(Uint8Array.from(chunk)), end: () => {} }
      },
    })
    // A package with an upstream changelog has Debian's under its own name (Debian policy, 12.7).
    const chunks = names.map((each) => contents.get(each)).find((each) => each !== undefined)
    if (chunks === undefined) return linked === undefined ? undefined : { linked }
    return { text: gunzipSync(Buffer.concat(chunks), { maxOutputLength: CHANGELOG_LIMIT }).toString('utf8') }
  }
}
