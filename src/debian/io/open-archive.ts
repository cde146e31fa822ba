import { DebianError } from '../errors.ts'
import { mergeUniverse, type SearchableUniverse, type UniverseSource } from '../merged-universe.ts'
import { type SuiteState, suiteNotices } from '../suite.ts'
import { indexPath } from './archive-client.ts'
import { ArchiveSession, type OpenArchiveOptions } from './archive-session.ts'
import { findIndex, type IndexEntry, IndexReader, type OpenIndex } from './index-reader.ts'
import type { ReadSuite, SuiteRequest } from './suite-reader.ts'

/** Archives that were read and verified: what they offer, in which state they were, and what a user must know of it. */
export interface OpenArchive {
  readonly universe: SearchableUniverse
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
  const opening = new Opening(options)
  try {
    return await opening.run()
  } catch (error) {
    opening.closeIndexes()
    throw error
  } finally {
    await opening.session.client.close()
  }
}

class Opening {
  readonly session: ArchiveSession
  readonly #options: OpenArchiveOptions
  readonly #indexes: IndexReader
  readonly #opened: OpenIndex[] = []
  readonly #notices: string[] = []

  constructor(options: OpenArchiveOptions) {
    this.session = new ArchiveSession(options)
    this.#options = options
    this.#indexes = new IndexReader(this.session.client.cache)
  }

  async run(): Promise<OpenArchive> {
    const { archives, architecture, foreignArchitectures = [] } = this.#options
    const requests = await this.session.requests()
    const outcomes = await Promise.allSettled(requests.map((request) => this.#openSuite(request)))
    const failure = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failure !== undefined) throw failure.reason
    this.session.checkMissing()
    const parts = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? (outcome.value ?? []) : []))
    const observed = parts.map(({ state }) => state)
    const sources = parts.flatMap((part) => part.sources)
    if (sources.length === 0) {
      const reason = `none of its suites serves architecture ${architecture}`
      throw new DebianError('INDEX_INVALID', `cannot open archive ${archives.join(', ')}: ${reason}`)
    }
    return {
      universe: mergeUniverse(sources, { architecture, foreignArchitectures }),
      observed,
      notices: [...suiteNotices(observed, this.session.client.now), ...this.#notices],
      close: () => this.closeIndexes(),
    }
  }

  closeIndexes(): void {
    for (const { close } of this.#opened.splice(0)) close()
  }

  #openSuite(request: SuiteRequest): Promise<{ state: SuiteState; sources: UniverseSource[] } | undefined> {
    return this.session.withSuite(request, async (read) => {
      const sources = await this.#openIndexes(request, read)
      await this.session.keep(request, read)
      return { state: read.state, sources }
    })
  }

  async #openIndexes(request: SuiteRequest, read: ReadSuite): Promise<UniverseSource[]> {
    const { archive, suite } = request
    const opened = await Promise.all(
      [...this.#indexPaths(request, read)].map(([path, architecture]) => {
        const entry = findIndex(read.release, path)
        if (entry !== undefined) return this.#openIndex(request, read, entry)
        const reason = `its Release file serves ${architecture}, yet lists no ${path} with a SHA256`
        throw new DebianError('SUITE_INVALID', `cannot read suite ${suite.suite}: ${reason}`)
      }),
    )
    return opened
      .filter((each) => each !== undefined)
      .map(({ index }) => ({ archive: archive.name, suite: suite.suite, priority: suite.priority, index }))
  }

  /** Path without extension → architecture, for every component and architecture, `all` where it stands apart. */
  #indexPaths({ suite }: SuiteRequest, { release }: ReadSuite): ReadonlyMap<string, string> {
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

  async #openIndex(request: SuiteRequest, read: ReadSuite, entry: IndexEntry): Promise<OpenIndex | undefined> {
    let open = this.#indexes.open(entry)
    if (open === undefined) {
      const path = await this.session.fetchFile(request, read, entry.file)
      if (path === undefined) {
        this.session.missing.push(`${entry.file.path} of ${request.suite.suite}`)
        return undefined
      }
      open = await this.#indexes.compile(entry, path, `${entry.file.path} of ${request.suite.suite}`)
    }
    this.#opened.push(open)
    return open
  }
}
