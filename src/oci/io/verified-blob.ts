import { createHash, type Hash } from 'node:crypto'
import type { BlobSource } from '../blob-source.ts'
import { mismatch } from '../blob-source.ts'
import type { Descriptor } from '../descriptor.ts'

/** What was hashed of a blob up to a position. */
interface Mark {
  readonly position: number
  readonly hash: Hash
}

/** How far apart positions are that reading can begin at again without hashing what lies before. */
const MARK_DISTANCE = 1024 * 1024

/**
 * One blob that is sent in parts, some of them twice: it can be opened at any position, and the chunk with its last byte
 * is only passed on when all bytes from the first one have the blob's digest.
 */
export class VerifiedBlob {
  readonly #blob: Descriptor
  readonly #blobs: BlobSource
  /** Ascending; the first is at 0. */
  #marks: Mark[] = [{ position: 0, hash: createHash('sha256') }]

  constructor(blob: Descriptor, blobs: BlobSource) {
    this.#blob = blob
    this.#blobs = blobs
  }

  /** Gives the bytes from `start` on. Rejects with `BLOB_MISMATCH`, and as the source does. */
  async *open(start: number): AsyncGenerator<Uint8Array> {
    const { size, digest } = this.#blob
    const from = this.#marks.findLast(({ position }) => position <= start) ?? {
      position: 0,
      hash: createHash('sha256'),
    }
    // Nobody goes back behind what a registry has confirmed, unless to the beginning.
    this.#marks = this.#marks.filter((mark) => mark === from || mark.position === 0)
    const hash = from.hash.copy()
    let { position } = from
    for await (const chunk of this.#blobs.open(digest, position)) {
      const before = position
      position += chunk.length
      if (position > size) throw mismatch(this.#blob, `it has more than ${size} bytes`)
      hash.update(chunk)
      this.#mark(position, hash)
      if (position === size) this.#check(hash)
      if (position > start) yield chunk.subarray(Math.max(start - before, 0))
    }
    if (position < size) throw mismatch(this.#blob, `it has ${position} bytes instead of ${size}`)
    if (size === 0) this.#check(hash)
  }

  #mark(position: number, hash: Hash): void {
    const last = this.#marks.at(-1)?.position ?? 0
    if (position - last >= MARK_DISTANCE) this.#marks.push({ position, hash: hash.copy() })
  }

  #check(hash: Hash): void {
    const digest = `sha256:${hash.copy().digest('hex')}`
    if (digest !== this.#blob.digest) throw mismatch(this.#blob, `its bytes have the digest ${digest}`)
  }
}
