import { join } from 'node:path'
import type { Digest } from '#core'
import type { Archive, ArchiveSuite } from '../archive.ts'
import { chooseMirrors, type MirrorTable } from '../mirrors.ts'
import { type ArchiveFile, BUILT_IN_ARCHIVES, readArchives, selectArchive } from './archive-folder.ts'
import { Downloader, type DownloadPatience } from './downloader.ts'
import { discoverMirrors } from './host-mirrors.ts'
import { HttpClient, type HttpLimits } from './http-client.ts'
import { defaultCacheFolder, digestOfFile, ObjectCache, objectPath } from './object-cache.ts'

/** The place of building: where things are kept and fetched from. None of it changes what an image is. */
export interface ArchivePlace {
  /** Folders with archive files, beside Casemate's own: the `archives/` beside the definition. */
  readonly archiveFolders?: readonly string[]
  /** The cache's folder; `$XDG_CACHE_HOME/casemate` unless given. */
  readonly cache?: string
  /** Further folders with objects by digest, `sha256/ab/HEX`, that are read before the network is. */
  readonly stores?: readonly string[]
  /** Mirrors by kind, before those of the environment, of apt's sources, and the built-in ones. */
  readonly mirrors?: MirrorTable
  /** Where the host's apt keeps its sources; `/etc/apt` unless given. */
  readonly aptFolder?: string
  /** No network: what is not in the cache is named in an error. */
  readonly offline?: boolean
  readonly patience?: DownloadPatience
  readonly httpLimits?: HttpLimits
  readonly signal?: AbortSignal
  /** Our clock; the machine's unless given. */
  readonly now?: Date
}

/** What the parts of the archive client share while one of its functions runs. */
export class ArchiveClient {
  readonly place: ArchivePlace
  readonly cache: ObjectCache
  readonly http: HttpClient
  readonly downloader: Downloader
  readonly signal: AbortSignal
  readonly now: Date
  #archives: Promise<ReadonlyMap<string, ArchiveFile>> | undefined
  #mirrors: Promise<MirrorTable[]> | undefined

  constructor(place: ArchivePlace) {
    this.place = place
    this.cache = new ObjectCache(place.cache ?? defaultCacheFolder())
    this.http = new HttpClient(place.httpLimits)
    this.downloader = new Downloader(this.http, this.cache, place.patience)
    this.signal = place.signal ?? new AbortController().signal
    this.now = place.now ?? new Date()
  }

  /** Reads the archive of that name. Throws `ARCHIVE_UNKNOWN`, `ARCHIVE_INVALID`. */
  async archive(name: string): Promise<ArchiveFile> {
    return selectArchive(await this.#allArchives(), name)
  }

  /** The mirrors of one kind, in order of preference. Throws `MIRROR_UNKNOWN`. */
  async mirrors(kind: string, archive: Archive): Promise<readonly string[]> {
    this.#mirrors ??= this.#discover()
    return chooseMirrors(kind, [this.place.mirrors ?? {}, ...(await this.#mirrors)], archive)
  }

  /** The path of a file that is at hand, in the cache or in one of the stores, its content checked now; else `undefined`. */
  async find(digest: Digest): Promise<string | undefined> {
    const cached = await this.cache.find(digest)
    if (cached !== undefined) return cached
    for (const store of this.place.stores ?? []) {
      const path = objectPath(store, digest)
      if ((await digestOfFile(path)) === digest) return path
    }
    return undefined
  }

  async close(): Promise<void> {
    await this.http.close()
  }

  #allArchives(): Promise<ReadonlyMap<string, ArchiveFile>> {
    this.#archives ??= readArchives([BUILT_IN_ARCHIVES, ...(this.place.archiveFolders ?? [])])
    return this.#archives
  }

  async #discover(): Promise<MirrorTable[]> {
    const archives = [...(await this.#allArchives()).values()].map(({ archive }) => archive)
    return discoverMirrors(archives, this.place.aptFolder)
  }
}

/** The path of an index below a suite's folder, without extension; a flat repository has one at its root. */
export function indexPath({ suite }: ArchiveSuite, component: string, architecture: string): string {
  return suite.endsWith('/') ? 'Packages' : join(component, `binary-${architecture}`, 'Packages')
}
