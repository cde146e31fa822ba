import { type Digest, messageOf } from '#core'
import { DebianError } from '../errors.ts'
import { snapshotBase } from '../mirrors.ts'
import type { ArchivePackage } from '../package.ts'
import type { SuiteState } from '../suite.ts'
import { ArchiveClient, type ArchivePlace } from './archive-client.ts'

/** A .deb as a lock names it: never by a host. */
export type PackageFile = Pick<ArchivePackage, 'archive' | 'suite' | 'filename' | 'size' | 'digest'>

/** How far a fetch is; bytes and files that were already at hand count as done. */
export interface FetchProgress {
  readonly files: number
  readonly filesDone: number
  readonly bytes: number
  readonly bytesDone: number
}

export interface FetchPackagesOptions extends ArchivePlace {
  /** The states of the suites that listed the packages, of the lock or of `openArchive`: the dates for the snapshot service. */
  readonly observed?: readonly Pick<SuiteState, 'archive' | 'suite' | 'date'>[]
  readonly onProgress?: (progress: FetchProgress) => void
  /** Called with each file's place as soon as it is there and checked, in no particular order. */
  readonly onFile?: (digest: Digest, path: string) => void
}

/** Downloads at the same time; the connections to one server are no more than that either. */
const PARALLEL = 8

/**
 * Gives the path of every package file, in the order asked for, each checked against its SHA-256 now. No index is read:
 * a file comes from the cache, the stores, a mirror, or the snapshot service at the date its suite was observed. Throws
 * `OFFLINE_MISSING` or `FETCH_MISSING` with every file that is nowhere and the last suite date known to have had it;
 * else `FETCH_FAILED`, `FETCH_MISMATCH`, `FETCH_REFUSED`, and as `openArchive` does for the archive's file and mirrors.
 */
export async function fetchPackages(
  files: readonly PackageFile[],
  options: FetchPackagesOptions = {},
): Promise<readonly string[]> {
  const client = new ArchiveClient(options)
  try {
    return await new PackageFetch(client, files, options).run()
  } finally {
    await client.close()
  }
}

class PackageFetch {
  readonly #client: ArchiveClient
  readonly #options: FetchPackagesOptions
  readonly #order: readonly Digest[]
  readonly #files: ReadonlyMap<Digest, PackageFile>
  readonly #paths = new Map<Digest, string>()
  readonly #sizes = new Map<Digest, number>()
  readonly #missing: PackageFile[] = []
  /** Why the snapshot service did not help. */
  readonly #reasons = new Set<string>()

  constructor(client: ArchiveClient, files: readonly PackageFile[], options: FetchPackagesOptions) {
    this.#client = client
    this.#options = options
    this.#order = files.map(({ digest }) => digest)
    this.#files = new Map(files.map((file) => [file.digest, file]))
  }

  async run(): Promise<readonly string[]> {
    const queue = [...this.#files.values()].values()
    const stop = new AbortController()
    const signal = AbortSignal.any([this.#client.signal, stop.signal])
    const work = async () => {
      for (const file of queue) await this.#provide(file, signal)
    }
    const workers = Array.from({ length: PARALLEL }, () =>
      work().catch((error: unknown) => {
        stop.abort(error)
        throw error
      }),
    )
    const failure = (await Promise.allSettled(workers)).find((outcome) => outcome.status === 'rejected')
    if (failure !== undefined) throw stop.signal.reason
    if (this.#missing.length > 0) throw this.#missingError()
    return this.#order.map((digest) => this.#paths.get(digest) ?? this.#client.cache.path(digest))
  }

  async #provide(file: PackageFile, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const path = (await this.#client.find(file.digest)) ?? (await this.#fetch(file, signal))
    if (path === undefined) {
      this.#missing.push(file)
      return
    }
    this.#paths.set(file.digest, path)
    this.#options.onFile?.(file.digest, path)
    this.#report(file.digest, file.size)
  }

  /** The mirrors first; what they lack, the snapshot service may have. A fault of the mirrors stands if it has not. */
  async #fetch(file: PackageFile, signal: AbortSignal): Promise<string | undefined> {
    if (this.#options.offline === true) return undefined
    const { mirrors, snapshot } = await this.#bases(file)
    try {
      return await this.#download(file, mirrors, signal)
    } catch (fault) {
      signal.throwIfAborted()
      if (!(fault instanceof DebianError)) throw fault
      try {
        if (snapshot !== undefined) return await this.#download(file, [snapshot], signal)
      } catch (error) {
        signal.throwIfAborted()
        this.#reasons.add(messageOf(error))
      }
      if (fault.code === 'FETCH_MISSING') return undefined
      throw fault
    }
  }

  #download({ filename, size, digest }: PackageFile, bases: readonly string[], signal: AbortSignal): Promise<string> {
    const path = filename.split('/').map(encodeURIComponent).join('/')
    const known = { size, digest, urls: bases.map((base) => `${base}/${path}`) }
    return this.#client.downloader.fetch(known, signal, (done) => this.#report(digest, done))
  }

  async #bases({ archive: name, suite: suiteName, filename }: PackageFile) {
    const { archive } = await this.#client.archive(name)
    const suite = archive.suites.find((each) => each.suite === suiteName)
    if (suite === undefined) {
      const reason = `archive ${name} has no suite of that name`
      throw new DebianError('ARCHIVE_UNKNOWN', `cannot fetch ${filename} of suite ${suiteName}: ${reason}`)
    }
    const mirrors = await this.#client.mirrors(suite.mirror, archive)
    const date = this.#dateOf(name, suiteName)
    const service = archive.mirrors[suite.mirror]?.snapshot
    if (service === undefined || date === undefined) return { mirrors }
    return { mirrors, snapshot: snapshotBase(service, new Date(date)) }
  }

  #dateOf(archive: string, suite: string): string | undefined {
    return this.#options.observed?.find((state) => state.archive === archive && state.suite === suite)?.date
  }

  #missingError(): DebianError {
    const offline = this.#options.offline === true
    const names = this.#missing.map(({ archive, suite, filename }) => {
      const date = this.#dateOf(archive, suite)
      return `${filename} (last seen in ${suite}${date === undefined ? '' : ` of ${date}`})`
    })
    const reason = offline
      ? 'there is no network to be used, and neither cache nor stores have them'
      : ['no mirror has them', ...this.#reasons].join('; ')
    const files = names.sort().join(', ')
    return new DebianError(offline ? 'OFFLINE_MISSING' : 'FETCH_MISSING', `cannot fetch ${files}: ${reason}`)
  }

  #report(digest: Digest, size: number): void {
    const { onProgress } = this.#options
    if (onProgress === undefined) return
    this.#sizes.set(digest, size)
    const files = [...this.#files.values()]
    onProgress({
      files: files.length,
      filesDone: this.#paths.size,
      bytes: files.reduce((sum, file) => sum + file.size, 0),
      bytesDone: [...this.#sizes.values()].reduce((sum, each) => sum + each, 0),
    })
  }
}
