import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestOf, hexOf } from '#core'
import type { Archive, ArchiveSuite } from '../archive.ts'
import { DebianError } from '../errors.ts'
import { snapshotBase } from '../mirrors.ts'
import type { Release, ReleaseFile } from '../release.ts'
import { findSources, type SourceReference } from '../source-index.ts'
import { verifySuite } from '../suite.ts'
import { ArchiveClient, type ArchivePlace, indexPath } from './archive-client.ts'
import { readSuiteKeys } from './archive-folder.ts'
import { decompressFile } from './decompress.ts'
import { findIndex } from './index-reader.ts'
import { IN_RELEASE_LIMIT, suiteUrl } from './suite-reader.ts'

/** A suite's state as a lock observed it. */
export interface ObservedState {
  readonly archive: string
  readonly suite: string
  /** RFC 3339. */
  readonly date: string
  /** Of the InRelease file. */
  readonly inRelease: Digest
}

/** A file of an archive, in the cache. */
export interface FetchedIndex {
  /** `InRelease`, or the path below the suite's folder. */
  readonly path: string
  readonly digest: Digest
  readonly size: number
  /** Where it is now. */
  readonly file: string
}

/** What a suite's state consists of, as far as a release used it. */
export interface ObservedFiles {
  readonly archive: string
  readonly suite: string
  readonly files: readonly FetchedIndex[]
  readonly sources: readonly SourceReference[]
}

/** What is wanted of observed suites. */
export interface FetchObservedOptions extends ArchivePlace {
  /** Debian's names of architectures. */
  readonly architectures: readonly string[]
  /** Source packages that are looked for, as `name version`. */
  readonly sources: ReadonlySet<string>
}

const SOURCES_LIMIT = 1 << 30

/**
 * Fetches the state of a suite that was observed before: its InRelease by digest, verified at its own date, the package
 * indexes of the architectures and the source indexes that it lists. They come from the cache, the stores, the mirrors while
 * they still have them, and the snapshot service. Throws as `verifySuite` and `openArchive` do, and `FETCH_MISSING` with the
 * date at which the suite had what is nowhere any more.
 */
export async function fetchObserved(state: ObservedState, options: FetchObservedOptions): Promise<ObservedFiles> {
  const client = new ArchiveClient(options)
  try {
    return await new ObservedFetch(client, state, options).run()
  } finally {
    await client.close()
  }
}

class ObservedFetch {
  readonly #client: ArchiveClient
  readonly #state: ObservedState
  readonly #options: FetchObservedOptions

  constructor(client: ArchiveClient, state: ObservedState, options: FetchObservedOptions) {
    this.#client = client
    this.#state = state
    this.#options = options
  }

  async run(): Promise<ObservedFiles> {
    const { archive: name, suite: suiteName, date, inRelease } = this.#state
    const file = await this.#client.archive(name)
    const suite = file.archive.suites.find((each) => each.suite === suiteName)
    if (suite === undefined) {
      throw new DebianError('ARCHIVE_UNKNOWN', `cannot fetch suite ${suiteName}: archive ${name} has none of that name`)
    }
    const bases = (await this.#bases(file.archive, suite)).map((base) => suiteUrl(base, suite))
    const path = (await this.#client.find(inRelease)) ?? (await this.#fetchInRelease(bases))
    const bytes = await readFile(path)
    const trust = { archive: file.archive, suite, keys: await readSuiteKeys(file, suite) }
    const { release } = await verifySuite(bytes, { ...trust, at: new Date(date), acceptExpired: true })
    const files: FetchedIndex[] = [{ path: 'InRelease', digest: inRelease, size: bytes.length, file: path }]
    for (const index of this.#indexes(release, suite)) files.push(await this.#fetchIndex(index, release, bases))
    return { archive: name, suite: suiteName, files, sources: await this.#sources(files) }
  }

  /** The mirrors, then the snapshot service at the date of the state. */
  async #bases(archive: Archive, suite: ArchiveSuite): Promise<readonly string[]> {
    if (this.#options.offline === true) return []
    const mirrors = await this.#client.mirrors(suite.mirror, archive)
    const service = archive.mirrors[suite.mirror]?.snapshot
    return service === undefined ? mirrors : [...mirrors, snapshotBase(service, new Date(this.#state.date))]
  }

  #indexes(release: Release, suite: ArchiveSuite): ReleaseFile[] {
    const paths = suite.components.flatMap((component) => [
      ...this.#options.architectures.map((architecture) => indexPath(suite, component, architecture)),
      suite.suite.endsWith('/') ? 'Sources' : join(component, 'source', 'Sources'),
    ])
    return [...new Set(paths)].flatMap((path) => findIndex(release, path)?.file ?? [])
  }

  async #fetchInRelease(bases: readonly string[]): Promise<string> {
    const { cache, downloader, signal } = this.#client
    const { inRelease } = this.#state
    for (const base of bases) {
      try {
        const { bytes } = await downloader.fetchSmall(`${base}/InRelease`, IN_RELEASE_LIMIT, {}, signal)
        if (digestOf(bytes) === inRelease) return await cache.put(inRelease, bytes)
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof DebianError)) throw error
      }
    }
    throw this.#missing(`InRelease ${inRelease}`)
  }

  async #fetchIndex(index: ReleaseFile, release: Release, bases: readonly string[]): Promise<FetchedIndex> {
    const { path, digest, size } = index
    const found = await this.#client.find(digest)
    if (found !== undefined) return { path, digest, size, file: found }
    const folder = path.slice(0, path.lastIndexOf('/') + 1)
    const places = release.byHash ? [`${folder}by-hash/SHA256/${hexOf(digest)}`, path] : [path]
    const urls = bases.flatMap((base) => places.map((place) => `${base}/${place}`))
    if (urls.length === 0) throw this.#missing(path)
    const file = await this.#client.downloader.fetch({ size, digest, urls }, this.#client.signal)
    return { path, digest, size, file }
  }

  async #sources(files: readonly FetchedIndex[]): Promise<SourceReference[]> {
    const found: SourceReference[] = []
    for (const { path, file } of files) {
      if (!/(^|\/)Sources(\.|$)/.test(path)) continue
      const isPlain = path.endsWith('Sources')
      const text = isPlain ? await readFile(file) : await decompressFile(file, { name: path, limit: SOURCES_LIMIT })
      found.push(...findSources(Buffer.from(text).toString('utf8'), this.#options.sources, path))
    }
    return found
  }

  #missing(what: string): DebianError {
    const { suite, date } = this.#state
    return new DebianError(
      'FETCH_MISSING',
      `cannot fetch ${what} of ${suite}: it is nowhere; the suite had it on ${date}`,
    )
  }
}
