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
}

/**
 * Passes a blob's bytes through and rejects with `BLOB_MISMATCH` when they are more, fewer or others than the
 * descriptor says. More bytes than it says are never passed on; other bytes are known at the end, so a reader must keep
 * nothing of a stream that rejects.
 */
export async function* verified(expected: Descriptor, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of bytes) {
    size += chunk.length
    if (size > expected.size) throw mismatch(expected, `it has more than ${expected.size} bytes`)
    hash.update(chunk)
    yield chunk
  }
  if (size < expected.size) throw mismatch(expected, `it has ${size} bytes instead of ${expected.size}`)
  const digest = `sha256:${hash.digest('hex')}`
  if (digest !== expected.digest) throw mismatch(expected, `its bytes have the digest ${digest}`)
}

/** Reads a whole small blob, verified. Rejects with `BLOB_MISMATCH`. */
export async function readBlob(expected: Descriptor, bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(verified(expected, bytes)))
}

/** The error of a blob that has other bytes than its descriptor says. */
export function mismatch(expected: Descriptor, reason: string): OciError {
  return new OciError('BLOB_MISMATCH', `cannot accept blob ${expected.digest}: ${reason}`)
}
