import { createHash } from 'node:crypto'
import type { Digest } from '#core'
import type { Descriptor } from './descriptor.ts'
import { OciError } from './errors.ts'

/** Where the bytes of blobs come from: a cache of members, a layout, an archive, a registry. Opening is repeatable. */
export interface BlobSource {
  /**
   * Gives the bytes of a blob from byte `start` on (0 when left out), as they are stored: who needs them verified wraps
   * them in `verified`. Chunks belong to the reader. Rejects on first use with `BLOB_UNKNOWN` for a blob that this
   * source does not have.
   */
  open(digest: Digest, start?: number): AsyncIterable<Uint8Array>
  /**
   * Passes the bytes of a blob on, each chunk valid only during the call: who keeps none needs no memory for them. A source without
   * this is read by `open`. Rejects as that does.
   */
  pass?(digest: Digest, onChunk: (chunk: Uint8Array) => void): Promise<void>
}

/**
 * Passes a blob's bytes through and rejects with `BLOB_MISMATCH` when they are more, fewer or others than the
 * descriptor says. More bytes than it says are never passed on; other bytes are known at the end, so a reader must keep
 * nothing of a stream that rejects.
 */
export async function* verified(expected: Descriptor, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const check = new BlobCheck(expected)
  for await (const chunk of bytes) {
    check.take(chunk)
    yield chunk
  }
  check.end()
}

/** Reads a blob, keeping nothing of it. Rejects with `BLOB_MISMATCH` unless it is what the descriptor says. */
export async function verifyBlob(expected: Descriptor, blobs: BlobSource): Promise<void> {
  const check = new BlobCheck(expected)
  if (blobs.pass === undefined) for await (const chunk of blobs.open(expected.digest)) check.take(chunk)
  else await blobs.pass(expected.digest, (chunk) => check.take(chunk))
  check.end()
}

/** Holds bytes that pass against a descriptor. */
class BlobCheck {
  readonly #expected: Descriptor
  readonly #hash = createHash('sha256')
  #size = 0

  constructor(expected: Descriptor) {
    this.#expected = expected
  }

  take(chunk: Uint8Array): void {
    const { size } = this.#expected
    this.#size += chunk.length
    if (this.#size > size) throw mismatch(this.#expected, `it has more than ${size} bytes`)
    this.#hash.update(chunk)
  }

  end(): void {
    const { size, digest } = this.#expected
    if (this.#size < size) throw mismatch(this.#expected, `it has ${this.#size} bytes instead of ${size}`)
    const found = `sha256:${this.#hash.digest('hex')}`
    if (found !== digest) throw mismatch(this.#expected, `its bytes have the digest ${found}`)
  }
}

/** Reads a whole small blob, verified. Rejects with `BLOB_MISMATCH`. */
export async function readBlob(expected: Descriptor, bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(verified(expected, bytes)))
}

/** The error of a blob that has other bytes than its descriptor says. */
export function mismatch(expected: Descriptor, reason: string): OciError {
  return new OciError('BLOB_MISMATCH', `cannot accept blob ${expected.digest}: ${reason}`)
}
