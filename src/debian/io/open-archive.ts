import { DebianError } from '../errors.ts'
import { mergeUniverse, type SearchableUniverse, type UniverseSource } from '../merged-universe.ts'
import { type SuiteState, suiteNotices } from '../suite.ts'
import { ArchiveSession, type OpenArchiveOptions } from './archive-session.ts'
import { SuiteIndexes } from './suite-indexes.ts'
import type { SuiteRequest } from './suite-reader.ts'

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
  readonly #indexes: SuiteIndexes

  constructor(options: OpenArchiveOptions) {
    this.session = new ArchiveSession(options)
    this.#options = options
    this.#indexes = new SuiteIndexes(this.session, [options.architecture, ...(options.foreignArchitectures ?? [])])
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
      notices: [...suiteNotices(observed, this.session.client.now), ...this.#indexes.notices],
      close: () => this.closeIndexes(),
    }
  }

  closeIndexes(): void {
    this.#indexes.close()
  }

  #openSuite(request: SuiteRequest): Promise<{ state: SuiteState; sources: UniverseSource[] } | undefined> {
    const { archive, suite } = request
    return this.session.withSuite(request, async (read) => {
      const opened = await this.#indexes.open(request, read)
      await this.session.keep(request, read)
      const source = { archive: archive.name, suite: suite.suite, priority: suite.priority }
      return { state: read.state, sources: opened.map(({ index }) => ({ ...source, index })) }
    })
  }
}
