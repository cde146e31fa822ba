import type { ContentDigest } from '../../registry/content-digest.ts'
import type { ManifestEntry } from '../../registry/state.ts'
import type { RegistryStore } from './store.ts'

/** A manifest as it is sent. */
export interface ServedManifest {
  readonly bytes: Uint8Array
  readonly headers: Readonly<Record<string, string | number>>
}

const LIMIT = 64 * 1024 * 1024

/** Manifests that were asked for lately, with their headers, as far as they fit. */
export class ManifestCache {
  readonly #store: RegistryStore
  readonly #served = new Map<ContentDigest, ServedManifest>()
  #size = 0

  constructor(store: RegistryStore) {
    this.#store = store
  }

  /** Gives a manifest at once when it is here. */
  peek({ digest, mediaType }: ManifestEntry): ServedManifest | undefined {
    const served = this.#served.get(digest)
    return served?.headers['content-type'] === mediaType && this.#store.state.has(digest) ? served : undefined
  }

  /** Reads a manifest, or gives `undefined` when its content is not whole. Rejects with `STORE_FAILED`. */
  async read(entry: ManifestEntry): Promise<ServedManifest | undefined> {
    const bytes = await this.#bytes(entry)
    if (bytes === undefined) return undefined
    const { digest, mediaType, size } = entry
    const headers = {
      'content-type': mediaType,
      'content-length': size,
      'docker-content-digest': digest,
      etag: `"${digest}"`,
      'x-content-type-options': 'nosniff',
    }
    const served = { bytes, headers }
    this.#keep(digest, served)
    return served
  }

  async #bytes({ digest, size }: ManifestEntry): Promise<Uint8Array | undefined> {
    const content = this.#store.state.contents.get(digest)
    if (content === undefined || content.damaged) return undefined
    const small = await this.#store.small.read(content)
    if (small !== undefined) return small
    const file = await this.#store.files.open(digest, size)
    if (file === undefined) {
      this.#store.markDamaged(digest)
      return undefined
    }
    try {
      return await file.readFile()
    } finally {
      await file.close()
    }
  }

  #keep(digest: ContentDigest, served: ServedManifest): void {
    this.#size += served.bytes.length - (this.#served.get(digest)?.bytes.length ?? 0)
    this.#served.delete(digest)
    this.#served.set(digest, served)
    for (const [oldest, { bytes }] of this.#served) {
      if (this.#size <= LIMIT) break
      this.#served.delete(oldest)
      this.#size -= bytes.length
    }
  }
}
