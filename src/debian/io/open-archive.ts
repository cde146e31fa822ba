import { DebianError } from '../errors.ts'
import { mergeUniverse, type UniverseSource } from '../merged-universe.ts'
import type { ReleaseFile } from '../release.ts'
import { type SuiteState, suiteNotices } from '../suite.ts'
import type { Universe } from '../universe.ts'
import type { Archive, ArchiveSuite } from '../archive.ts'
import { ArchiveClient, type ArchivePlace, indexPath } from './archive-client.ts'
import { readSuiteKeys } from './archive-folder.ts'
import { findIndex, type IndexEntry, IndexReader, type OpenIndex } from './index-reader.ts'
import { type ReadSuite, SuiteReader, type SuiteRequest, suiteUrl } from './suite-reader.ts'

/** What is to be read of which archives, and how strictly. */
export interface OpenArchiveOptions extends ArchivePlace {
  /** Names of archives, in order of preference, e.g. `['debian-13']`. */
  readonly archives: readonly string[]
  /** Only these suites of them; all unless given. */
  readonly suites?: readonly string[]
  readonly architecture: string
  readonly foreignArchitectures?: readonly string[]
  /** Takes suites past their Valid-Until; their state and a notice say so. */
  readonly acceptExpired?: boolean
  /** States that were seen before, of a lock or a factory: none of these suites may be older. */
  readonly floor?: readonly Pick<SuiteState, 'archive' | 'suite' | 'date'>[]
}

/** Archives that were read and verified: what they offer, in which state they were, and what a user must know of it. */
export interface OpenArchive {
  readonly universe: Universe
  /** One for each suite, in the order of archives and their suites. */
  readonly observed: readonly SuiteState[]
  readonly notices: readonly string[]
  /** Closes files; the universe must not be asked for further names afterwards. */
  close(): void
}

/**
 * Reads and verifies the suites of archives and opens their package indexes, from mirrors, or offline from the cache.
 * Throws `ARCHIVE_UNKNOWN`, `ARCHIVE_INVALID`, `MIRROR_UNKNOWN`, `OFFLINE_MISSING` (naming all that is missing), what
 * `verifySuite` throws, `SUITE_ROLLED_BACK`, `INDEX_INVALID` and the `FETCH_…` codes.
 */
export async function openArchive(options: OpenArchiveOptions): Promise<OpenArchive> {
  const client = new ArchiveClient(options)
  const session = new Session(client, options)
  try {
    return await session.open()
  } catch (error) {
    session.closeIndexes()
    throw error
  } finally {
    await client.close()
  }
}

class Session {
  readonly #client: ArchiveClient
  readonly #options: OpenArchiveOptions
  readonly #suites: SuiteReader
  readonly #indexes: IndexReader
  readonly #opened: OpenIndex[] = []
  readonly #missing: string[] = []
  readonly #notices: string[] = []

  constructor(client: ArchiveClient, options: OpenArchiveOptions) {
    this.#client = client
    this.#options = options
    this.#suites = new SuiteReader(client.cache, client.downloader)
    this.#indexes = new IndexReader(client.cache)
  }

  async open(): Promise<OpenArchive> {
    const { architecture, foreignArchitectures = [] } = this.#options
    const parts = await Promise.all((await this.#requests()).map((request) => this.#openSuite(request)))
    const observed = parts.flatMap(({ state }) => state ?? [])
    const sources = parts.flatMap((part) => part.sources)
    if (this.#missing.length > 0) {
      const reason = `there is no network to be used, and the cache lacks ${this.#missing.join(', ')}`
      throw new DebianError('OFFLINE_MISSING', `cannot open archive ${this.#options.archives.join(', ')}: ${reason}`)
    }
    if (sources.length === 0) {
      const reason = `none of its suites serves architecture ${architecture}`
      throw new DebianError('INDEX_INVALID', `cannot open archive ${this.#options.archives.join(', ')}: ${reason}`)
    }
    return {
      universe: mergeUniverse(sources, { architecture, foreignArchitectures }),
      observed,
      notices: [...suiteNotices(observed, this.#client.now), ...this.#notices],
      close: () => this.closeIndexes(),
    }
  }

  closeIndexes(): void {
    for (const { close } of this.#opened.splice(0)) close()
  }

  async #requests(): Promise<SuiteRequest[]> {
    const requests: SuiteRequest[] = []
    for (const name of this.#options.archives) {
      const file = await this.#client.archive(name)
      for (const suite of file.archive.suites) {
        if (this.#options.suites?.includes(suite.suite) === false) continue
        requests.push(await this.#request(file.archive, suite, await readSuiteKeys(file, suite)))
      }
    }
    const unknown = this.#options.suites?.find((suite) => !requests.some((request) => request.suite.suite === suite))
    if (unknown !== undefined) {
      const archives = this.#options.archives.join(', ')
      throw new DebianError('ARCHIVE_UNKNOWN', `cannot open suite ${unknown}: no suite of ${archives} is named so`)
    }
    return requests
  }

  async #request(archive: Archive, suite: ArchiveSuite, keys: SuiteRequest['keys']): Promise<SuiteRequest> {
    const { offline = false, acceptExpired = false, floor = [] } = this.#options
    const known = floor.find((state) => state.archive === archive.name && state.suite === suite.suite)
    const mirrors = offline ? [] : await this.#client.mirrors(suite.mirror, archive)
    const request = { archive, suite, keys, mirrors, now: this.#client.now, acceptExpired }
    return known === undefined ? request : { ...request, floor: known.date }
  }

  async #openSuite(request: SuiteRequest): Promise<{ state?: SuiteState; sources: UniverseSource[] }> {
    const read = await this.#readSuite(request)
    if (read === undefined) {
      this.#missing.push(`InRelease of ${request.suite.suite}`)
      return { sources: [] }
    }
    try {
      return { state: read.state, sources: await this.#openIndexes(request, read) }
    } catch (error) {
      // A mirror without by-hash that is being updated gives an index newer than its InRelease: read both once more.
      if (read.base === undefined || !(error instanceof DebianError) || !error.code.startsWith('FETCH_')) throw error
      const again = await this.#readSuite(request)
      if (again === undefined || again.state.digest === read.state.digest) throw error
      return { state: again.state, sources: await this.#openIndexes(request, again) }
    }
  }

  async #readSuite(request: SuiteRequest): Promise<ReadSuite | undefined> {
    if (this.#options.offline === true) return this.#suites.recall(request)
    return this.#suites.fetch(request, this.#client.signal)
  }

  async #openIndexes({ archive, suite, mirrors }: SuiteRequest, read: ReadSuite): Promise<UniverseSource[]> {
    const bases = [...new Set([read.base ?? [], ...mirrors].flat())]
    const paths = this.#indexPaths(suite, read)
    const opened = await Promise.all(
      [...paths].map(async ([path, architecture]) => {
        const entry = findIndex(read.release, path)
        if (entry !== undefined) return this.#openIndex(suite, entry, bases, read.release.byHash)
        const reason = `its Release file serves ${architecture}, yet lists no ${path} with a SHA256`
        throw new DebianError('SUITE_INVALID', `cannot read suite ${suite.suite}: ${reason}`)
      }),
    )
    return opened
      .filter((each) => each !== undefined)
      .map(({ index }) => ({ archive: archive.name, suite: suite.suite, priority: suite.priority, index }))
  }

  /** Path without extension → architecture, for every component and architecture, `all` where it stands apart. */
  #indexPaths(suite: ArchiveSuite, { release }: ReadSuite): ReadonlyMap<string, string> {
    const { architecture, foreignArchitectures = [] } = this.#options
    const flat = suite.components.length === 0
    const wanted = [architecture, ...foreignArchitectures, ...(release.indexesHoldAll || flat ? [] : ['all'])]
    const paths = new Map<string, string>()
    for (const each of wanted) {
      if (!flat && !release.architectures.includes(each)) {
        this.#notices.push(`suite ${suite.suite} does not serve ${each}: it offers nothing to this architecture`)
        continue
      }
      for (const component of flat ? [''] : suite.components) paths.set(indexPath(suite, component, each), each)
    }
    return paths
  }

  async #openIndex(
    suite: ArchiveSuite,
    entry: IndexEntry,
    bases: readonly string[],
    byHash: boolean,
  ): Promise<OpenIndex | undefined> {
    let open = this.#indexes.open(entry)
    if (open === undefined) {
      const path = await this.#fetchIndex(suite, entry.file, bases, byHash)
      if (path === undefined) return undefined
      open = await this.#indexes.compile(entry, path, `${entry.file.path} of ${suite.suite}`)
    }
    this.#opened.push(open)
    return open
  }

  async #fetchIndex(
    suite: ArchiveSuite,
    file: ReleaseFile,
    bases: readonly string[],
    byHash: boolean,
  ): Promise<string | undefined> {
    const found = await this.#client.cache.find(file.digest)
    if (found !== undefined) return found
    if (this.#options.offline === true) {
      this.#missing.push(`${file.path} of ${suite.suite}`)
      return undefined
    }
    const urls = bases.flatMap((base) => fileUrls(suiteUrl(base, suite), file, byHash))
    return this.#client.downloader.fetch({ ...file, urls }, this.#client.signal, () => {})
  }
}

/** Where a file of a suite is: by its digest first, where the suite offers that, then by its name. */
export function fileUrls(base: string, { path, digest }: ReleaseFile, byHash: boolean): string[] {
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  const byDigest = `${base}/${folder}by-hash/SHA256/${digest.slice('sha256:'.length)}`
  return byHash ? [byDigest, `${base}/${path}`] : [`${base}/${path}`]
}
