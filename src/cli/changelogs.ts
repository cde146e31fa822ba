import { gunzipSync } from 'node:zlib'
import {
  type ArchivePackage,
  type ArchivePlace,
  type ChangelogEntry,
  createDecoders,
  type DebVersion,
  type DecoderFactory,
  fetchPackages,
  loadLibarchive,
  type OpenArchive,
  openDeb,
  parseChangelog,
  readDebData,
  readDebMembers,
} from '#debian'

/** A source package in a version, and binary packages of it that may hold its changelog, the ones to try first before others. */
export interface ChangelogWish {
  readonly source: string
  readonly version: DebVersion
  readonly candidates: readonly ArchivePackage[]
}

/** What a package holds at the place of its changelog: the text, or the package that has it. */
type FoundChangelog = { readonly text: string } | { readonly linked: string } | undefined

/** .debs that are read for one wish, links followed. */
const TRIES = 4

/** Bytes that a changelog may have. */
const CHANGELOG_LIMIT = 32 << 20

/**
 * Reads the changelog of each source package from its .debs, and makes something of it by `take`; where that gives nothing, the next
 * candidate is tried. What was found nowhere is left out. Rejects as `fetchPackages` does.
 */
export async function readChangelogs<Wish extends ChangelogWish, Taken extends object>(
  wishes: readonly Wish[],
  open: Pick<OpenArchive, 'universe' | 'observed'>,
  place: ArchivePlace,
  take: (wish: Wish, entries: readonly ChangelogEntry[]) => Taken | undefined,
): Promise<ReadonlyMap<Wish, Taken>> {
  const reading = new ChangelogReading(open, place, createDecoders(await loadLibarchive()))
  return reading.read(wishes, take)
}

class ChangelogReading {
  readonly #open: Pick<OpenArchive, 'universe' | 'observed'>
  readonly #place: Parameters<typeof fetchPackages>[1]
  readonly #decoders: DecoderFactory

  constructor(
    open: Pick<OpenArchive, 'universe' | 'observed'>,
    place: Parameters<typeof fetchPackages>[1],
    decoders: DecoderFactory,
  ) {
    this.#open = open
    this.#decoders = decoders
    this.#place = { ...place, observed: open.observed }
  }

  async read<Wish extends ChangelogWish, Taken extends object>(
    wishes: readonly Wish[],
    take: (wish: Wish, entries: readonly ChangelogEntry[]) => Taken | undefined,
  ): Promise<ReadonlyMap<Wish, Taken>> {
    const taken = new Map<Wish, Taken>()
    let open = wishes.map((wish) => ({ wish, queue: [...wish.candidates], read: new Set<string>() }))
    for (let round = 0; round < TRIES && open.length > 0; round++) {
      const wanted = open.flatMap(({ queue }) => queue.slice(0, 1))
      const paths = await fetchPackages(wanted, this.#place)
      const pathOf = new Map(wanted.map((each, index) => [each, paths[index]]))
      for (const { wish, queue, read } of open) {
        const candidate = queue.shift()
        const path = candidate && pathOf.get(candidate)
        if (candidate === undefined || path === undefined) continue
        read.add(candidate.name)
        const found = this.#changelogOf(candidate.name, path)
        if (found === undefined) continue
        if ('linked' in found) {
          if (!read.has(found.linked)) queue.unshift(...this.#named(found.linked, wish))
          continue
        }
        const result = take(wish, parseChangelog(found.text))
        if (result !== undefined) taken.set(wish, result)
      }
      open = open.filter(({ wish, queue }) => !taken.has(wish) && queue.length > 0)
    }
    return taken
  }

  #named(name: string, { source, version }: ChangelogWish): readonly ArchivePackage[] {
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
