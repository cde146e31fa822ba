import { inParallel } from '#core'
import type { ContentDigest } from '../../registry/content-digest.ts'
import type { ContentEntry, ContentPlace, ContentRecord, RegistryState, StateRecord } from '../../registry/state.ts'
import type { ContentFiles } from './content-files.ts'
import type { ContentPacks } from './content-packs.ts'
import type { KeyedLock } from './disk.ts'

/** So many small contents become files; more share a pack, because a file costs more than all else that is done for one. */
const FEW = 64
const WRITERS = 4

/** What small contents come to lie in. */
export interface SmallPlaces {
  readonly state: RegistryState
  readonly files: ContentFiles
  readonly packs: ContentPacks
  /** Held while a content's file comes or goes. */
  readonly contentLock: KeyedLock
}

/** Small contents: first they stand in the journal and are in memory, later in a pack or in files of their own. */
export class SmallContents {
  readonly #places: SmallPlaces
  readonly #bytes = new Map<ContentDigest, Uint8Array>()
  #size = 0

  constructor(places: SmallPlaces) {
    this.#places = places
  }

  /** Bytes in memory. */
  get size(): number {
    return this.#size
  }

  /** A content's bytes while they are in memory, else `undefined`. */
  fresh(digest: ContentDigest): Uint8Array | undefined {
    return this.#bytes.get(digest)
  }

  /** Gives a content's bytes unless it is a file of its own: then, or when it is not whole, `undefined`. Rejects with `STORE_FAILED`. */
  async read(content: ContentEntry): Promise<Uint8Array | undefined> {
    for (;;) {
      const { digest, size, place } = content
      const fresh = this.#bytes.get(digest)
      if (fresh !== undefined || place === undefined) return fresh
      const bytes = await this.#places.packs.read(place, size)
      // While it was looked for, it may have come to another pack.
      if (bytes !== undefined || (content.place === place && !this.#bytes.has(digest))) return bytes
    }
  }

  /** Whether a content is where it should be, as far as that shows without reading it. */
  async holds({ digest, size, place }: ContentEntry): Promise<boolean> {
    if (this.#bytes.has(digest)) return true
    const { packs, files } = this.#places
    return place === undefined ? await files.has(digest, size) : packs.has(place, size)
  }

  /** Takes note of records that are durable, in their order, and of the contents among them. */
  apply(records: readonly StateRecord[], inline: ReadonlyMap<ContentDigest, Uint8Array>): void {
    for (const record of records) {
      if (record.op === 'forget' || (record.op === 'content' && this.#isPacked(record))) this.#delete(record.digest)
    }
    for (const [digest, bytes] of inline) {
      this.#delete(digest)
      this.#bytes.set(digest, bytes)
      this.#size += bytes.length
    }
  }

  /** Has each content hold its own bytes alone, not all of a journal that it was read with. */
  detach(): void {
    for (const [digest, bytes] of this.#bytes) this.#bytes.set(digest, Buffer.from(bytes))
  }

  /**
   * Makes files of what is in memory, or a pack where that is much, durably; the state leads there, and is to become durable
   * then. Gives what is to be called when it is. Rejects with `STORE_FULL` or `STORE_FAILED`.
   */
  async settle(): Promise<() => void> {
    const moved = [...this.#bytes]
    if (moved.length > FEW) {
      await this.#places.packs.write(moved, async (places) => {
        for (const [digest, place] of places) this.#lead(digest, place)
      })
    } else await this.#writeFiles(moved)
    return () => {
      for (const [digest, bytes] of moved) if (this.#bytes.get(digest) === bytes) this.#delete(digest)
    }
  }

  /** Moves what is in memory to a pack, and has records say so, which `commit` makes durable. Rejects as `settle` and `commit` do. */
  async pack(commit: (records: () => StateRecord[]) => Promise<void>): Promise<void> {
    const moved = [...this.#bytes]
    await this.#places.packs.write(moved, async (places) => {
      await commit(() =>
        moved.flatMap(([digest, bytes]): StateRecord[] => {
          const place = places.get(digest)
          if (place === undefined || this.#bytes.get(digest) !== bytes) return []
          return [{ op: 'content', digest, size: bytes.length, place }]
        }),
      )
    })
  }

  async #writeFiles(moved: readonly (readonly [ContentDigest, Uint8Array])[]): Promise<void> {
    const { state, files, contentLock } = this.#places
    await inParallel(WRITERS, moved, ([digest, bytes]) =>
      contentLock.run(digest, async () => {
        if (!state.contents.has(digest)) return
        await files.write(digest, bytes)
        this.#lead(digest, undefined)
      }),
    )
    await files.sync()
  }

  #lead(digest: ContentDigest, place: ContentPlace | undefined): void {
    const content = this.#places.state.contents.get(digest)
    if (content !== undefined) content.place = place
  }

  /** A record may be read again whose pack never became whole; the bytes before it still count then. */
  #isPacked({ place, size }: ContentRecord): boolean {
    return place !== undefined && this.#places.packs.has(place, size)
  }

  #delete(digest: ContentDigest): void {
    this.#size -= this.#bytes.get(digest)?.length ?? 0
    this.#bytes.delete(digest)
  }
}
