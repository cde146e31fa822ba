import { DebianError } from '../errors.ts'
import { indexPath } from './archive-client.ts'
import type { ArchiveSession } from './archive-session.ts'
import { findIndex, type IndexEntry, IndexReader, type OpenIndex } from './index-reader.ts'
import type { ReadSuite, SuiteRequest } from './suite-reader.ts'

/** Opens the package indexes of suites that were read, from the cache or a mirror. */
export class SuiteIndexes {
  /** Which architectures a suite does not serve, as lines for a user. */
  readonly notices: string[] = []
  readonly #session: ArchiveSession
  readonly #architectures: readonly string[]
  readonly #indexes: IndexReader
  readonly #opened: OpenIndex[] = []

  constructor(session: ArchiveSession, architectures: readonly string[]) {
    this.#session = session
    this.#architectures = architectures
    this.#indexes = new IndexReader(session.client.cache)
  }

  /** Opens every index of a suite for the architectures. What is missing offline is left out, and noted in the session. */
  async open(request: SuiteRequest, read: ReadSuite): Promise<OpenIndex[]> {
    const { suite } = request
    const opened = await Promise.all(
      [...this.#paths(request, read)].map(([path, architecture]) => {
        const entry = findIndex(read.release, path)
        if (entry !== undefined) return this.#open(request, read, entry)
        const reason = `its Release file serves ${architecture}, yet lists no ${path} with a SHA256`
        throw new DebianError('SUITE_INVALID', `cannot read suite ${suite.suite}: ${reason}`)
      }),
    )
    return opened.filter((each) => each !== undefined)
  }

  close(): void {
    for (const { close } of this.#opened.splice(0)) close()
  }

  /** Path without extension → architecture, for every component and architecture, `all` where it stands apart. */
  #paths({ suite }: SuiteRequest, { release }: ReadSuite): ReadonlyMap<string, string> {
    const flat = suite.components.length === 0
    const wanted = [...this.#architectures, ...(release.indexesHoldAll || flat ? [] : ['all'])]
    const paths = new Map<string, string>()
    for (const each of wanted) {
      if (!flat && !release.architectures.includes(each)) {
        this.notices.push(`suite ${suite.suite} does not serve ${each}: it offers nothing to this architecture`)
        continue
      }
      for (const component of flat ? [''] : suite.components) paths.set(indexPath(suite, component, each), each)
    }
    return paths
  }

  async #open(request: SuiteRequest, read: ReadSuite, entry: IndexEntry): Promise<OpenIndex | undefined> {
    let open = this.#indexes.open(entry)
    if (open === undefined) {
      const path = await this.#session.fetchFile(request, read, entry.file)
      if (path === undefined) {
        this.#session.missing.push(`${entry.file.path} of ${request.suite.suite}`)
        return undefined
      }
      open = await this.#indexes.compile(entry, path, `${entry.file.path} of ${request.suite.suite}`)
    }
    this.#opened.push(open)
    return open
  }
}
