import type { Digest } from '#core'
import { DebianError } from '../errors.ts'
import { ArchiveClient, type ArchivePlace } from './archive-client.ts'

/** Content that is known by its SHA-256 before anybody has seen it, and how long it may be, in bytes. */
export interface PinnedContent {
  readonly url: string
  readonly digest: Digest
  readonly limit: number
}

/** Files by their digest, as packages are kept: in the cache and the stores of a place, and fetched where the network may be used. */
export class ContentStore {
  readonly isOffline: boolean
  readonly #client: ArchiveClient

  constructor(place: ArchivePlace) {
    this.isOffline = place.offline === true
    this.#client = new ArchiveClient(place)
  }

  /** The path of content that is at hand, checked now; `undefined` when it is not. */
  find(digest: Digest): Promise<string | undefined> {
    return this.#client.find(digest)
  }

  /**
   * The path of content that is at hand or is fetched now. Rejects with `OFFLINE_MISSING`, `FETCH_MISSING`, `FETCH_MISMATCH`,
   * `FETCH_REFUSED` or `FETCH_FAILED`.
   */
  async fetch({ url, digest, limit }: PinnedContent): Promise<string> {
    const found = await this.find(digest)
    if (found !== undefined) return found
    if (this.isOffline) {
      const reason = 'there is no network to be used, and neither cache nor stores have it'
      throw new DebianError('OFFLINE_MISSING', `cannot fetch ${url} (${digest}): ${reason}`)
    }
    return this.#client.downloader.fetch({ limit, digest, urls: [url] }, this.#client.signal)
  }

  /** Keeps content in the cache and gives its path. Rejects with `FETCH_MISMATCH`, keeping nothing, when it is other content. */
  async keep(digest: Digest, bytes: AsyncIterable<Uint8Array>): Promise<string> {
    const partial = await this.#client.cache.openPartial(digest)
    try {
      await partial.restart()
      for await (const chunk of bytes) await partial.append(chunk)
      return await partial.commit()
    } finally {
      await partial.release()
    }
  }

  close(): Promise<void> {
    return this.#client.close()
  }
}
