import type { Archive, ArchiveSuite } from '../archive.ts'
import { DebianError } from '../errors.ts'
import type { ReleaseFile } from '../release.ts'
import type { SuiteState } from '../suite.ts'
import { ArchiveClient, type ArchivePlace } from './archive-client.ts'
import { readSuiteKeys } from './archive-folder.ts'
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

/** Reads the suites that were asked for and files that they list; remembers what is missing offline. */
export class ArchiveSession {
  /** What could not be read because there is no network to be used. */
  readonly missing: string[] = []
  readonly client: ArchiveClient
  readonly #options: OpenArchiveOptions
  readonly #suites: SuiteReader

  constructor(options: OpenArchiveOptions) {
    this.client = new ArchiveClient(options)
    this.#options = options
    this.#suites = new SuiteReader(this.client.cache, this.client.downloader)
  }

  /** One request for each suite, in the order of archives and their suites. Throws `ARCHIVE_UNKNOWN`, `ARCHIVE_INVALID`. */
  async requests(): Promise<SuiteRequest[]> {
    const requests: SuiteRequest[] = []
    const { archives, suites } = this.#options
    for (const name of archives) {
      const file = await this.client.archive(name)
      for (const suite of file.archive.suites) {
        if (suites?.includes(suite.suite) === false) continue
        requests.push(await this.#request(file.archive, suite, await readSuiteKeys(file, suite)))
      }
    }
    const unknown = suites?.find((name) => !requests.some(({ suite }) => suite.suite === name))
    if (unknown !== undefined) {
      const reason = `no suite of ${archives.join(', ')} is named so`
      throw new DebianError('ARCHIVE_UNKNOWN', `cannot open suite ${unknown}: ${reason}`)
    }
    return requests
  }

  /**
   * Reads a suite and then, with `use`, files that it lists. A mirror without by-hash that is just being updated gives
   * files newer than its InRelease: then both are read once more. Gives `undefined`, and notes it, when the suite is
   * missing offline.
   */
  async withSuite<Result>(
    request: SuiteRequest,
    use: (read: ReadSuite) => Promise<Result>,
  ): Promise<Result | undefined> {
    const read = await this.#read(request)
    if (read === undefined) {
      this.missing.push(`InRelease of ${request.suite.suite}`)
      return undefined
    }
    try {
      return await use(read)
    } catch (error) {
      if (read.base === undefined || !(error instanceof DebianError) || !error.code.startsWith('FETCH_')) throw error
      const again = await this.#read(request)
      if (again === undefined || again.state.digest === read.state.digest) throw error
      return use(again)
    }
  }

  /** Notes that all that is needed of a suite was there and in order: offline, this state is given. */
  async keep(request: SuiteRequest, read: ReadSuite): Promise<void> {
    if (read.base !== undefined) await this.#suites.keep(request, read)
  }

  /** Gives the path of a file that the suite lists, from the cache or a mirror; `undefined` when missing offline. */
  async fetchFile({ suite, mirrors }: SuiteRequest, read: ReadSuite, file: ReleaseFile): Promise<string | undefined> {
    const found = await this.client.cache.find(file.digest)
    if (found !== undefined) return found
    if (this.#options.offline === true) return undefined
    const bases = new Set([read.base ?? [], ...mirrors].flat())
    const urls = [...bases].flatMap((base) => fileUrls(suiteUrl(base, suite), file, read.release.byHash))
    return this.client.downloader.fetch({ ...file, urls }, this.client.signal)
  }

  /** Throws `OFFLINE_MISSING`, naming all that is missing, if anything is. */
  checkMissing(): void {
    if (this.missing.length === 0) return
    const reason = `there is no network to be used, and the cache lacks ${this.missing.join(', ')}`
    throw new DebianError('OFFLINE_MISSING', `cannot open archive ${this.#options.archives.join(', ')}: ${reason}`)
  }

  async #request(archive: Archive, suite: ArchiveSuite, keys: SuiteRequest['keys']): Promise<SuiteRequest> {
    const { offline = false, acceptExpired = false, floor = [] } = this.#options
    const known = floor.find((state) => state.archive === archive.name && state.suite === suite.suite)
    const mirrors = offline ? [] : await this.client.mirrors(suite.mirror, archive)
    const request = { archive, suite, keys, mirrors, now: this.client.now, acceptExpired }
    return known === undefined ? request : { ...request, floor: known.date }
  }

  async #read(request: SuiteRequest): Promise<ReadSuite | undefined> {
    if (this.#options.offline === true) return this.#suites.recall(request)
    return this.#suites.fetch(request, this.client.signal)
  }
}

/** Where a file of a suite is: by its digest first, where the suite offers that, then by its name. */
function fileUrls(base: string, { path, digest }: ReleaseFile, byHash: boolean): string[] {
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  const byDigest = `${base}/${folder}by-hash/SHA256/${digest.slice('sha256:'.length)}`
  return byHash ? [byDigest, `${base}/${path}`] : [`${base}/${path}`]
}
