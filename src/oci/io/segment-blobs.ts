import { type FileHandle, open } from 'node:fs/promises'
import type { Digest } from '#core'
import type { BlobSource } from '../blob-source.ts'
import type { Descriptor } from '../descriptor.ts'
import { OciError } from '../errors.ts'

/** A part of a file; the whole file where `offset` and `length` are left out. */
export interface FileSegment {
  readonly path: string
  readonly offset?: number
  readonly length?: number
}

/** A blob that lies as a row of file segments: their bytes one after another are the blob. */
export interface SegmentedBlob {
  readonly descriptor: Descriptor
  readonly segments: readonly FileSegment[]
}

const CHUNK_BYTES = 4 * 1024 * 1024
/** As much as a processor keeps at hand. */
const PASSED_BYTES = 1024 * 1024

/** Gives blobs whose bytes lie in files, streamed and never held. Reading rejects with `BLOB_UNKNOWN`. */
export function segmentBlobs(blobs: Iterable<SegmentedBlob>): BlobSource {
  const byDigest = new Map<Digest, readonly FileSegment[]>()
  for (const { descriptor, segments } of blobs) byDigest.set(descriptor.digest, segments)
  return locatedBlobs((digest) => byDigest.get(digest))
}

/** Gives blobs that `locate` knows the segments of. Reading rejects with `BLOB_UNKNOWN`. */
export function locatedBlobs(locate: (digest: Digest) => readonly FileSegment[] | undefined): BlobSource {
  return {
    async *open(digest, start = 0) {
      const segments = locate(digest)
      if (!segments) throw new OciError('BLOB_UNKNOWN', `cannot open blob ${digest}: it is not there`)
      let skip = start
      for (const segment of segments) skip = yield* readSegment(segment, skip, digest)
    },
    async pass(digest, onChunk) {
      const segments = locate(digest)
      if (!segments) throw new OciError('BLOB_UNKNOWN', `cannot open blob ${digest}: it is not there`)
      for (const segment of segments) await passSegment(segment, digest, onChunk)
    },
  }
}

/** Reads into the same memory again and again, the next piece while one is used. */
async function passSegment(segment: FileSegment, digest: Digest, onChunk: (chunk: Uint8Array) => void): Promise<void> {
  const file = await openSegment(segment, digest)
  try {
    const { offset = 0, length } = segment
    const end = offset + (length ?? (await file.stat()).size - offset)
    let position = offset
    const room = Math.min(PASSED_BYTES, Math.max(0, end - offset))
    let [used, next] = [Buffer.allocUnsafeSlow(room), Buffer.allocUnsafeSlow(room)]
    const read = (target: Buffer) => file.read(target, 0, Math.min(room, end - position), position)
    for (let { bytesRead } = await read(used); position < end; [used, next] = [next, used]) {
      if (bytesRead === 0) throw short(segment, digest)
      position += bytesRead
      const reading = position < end ? read(next) : undefined
      // Whoever throws must not leave a read behind that goes on in memory that is let go of.
      try {
        onChunk(used.subarray(0, bytesRead))
      } finally {
        bytesRead = (await reading)?.bytesRead ?? 0
      }
    }
  } finally {
    await file.close()
  }
}

/** Passes on the segment's bytes after the first `skip`; returns how many are still to be skipped behind it. */
async function* readSegment(segment: FileSegment, skip: number, digest: Digest): AsyncGenerator<Uint8Array, number> {
  const { offset = 0, length } = segment
  if (length !== undefined && skip >= length) return skip - length
  const file = await openSegment(segment, digest)
  try {
    const end = offset + (length ?? (await file.stat()).size - offset)
    let position = offset + skip
    if (position >= end) return position - end
    const read = async () => {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - position))
      const { bytesRead } = await file.read(chunk, 0, chunk.length, position)
      if (bytesRead === 0) throw short(segment, digest)
      return chunk.subarray(0, bytesRead)
    }
    for (let chunk = await read(); ; ) {
      position += chunk.length
      if (position >= end) {
        yield chunk
        return 0
      }
      // The next one is read while this one is used; whoever stops here leaves no read behind on a file that is closed.
      const next = read()
      const settled = next.catch(() => undefined)
      try {
        yield chunk
      } finally {
        await settled
      }
      chunk = await next
    }
  } finally {
    await file.close()
  }
}

async function openSegment({ path }: FileSegment, digest: Digest): Promise<FileHandle> {
  try {
    return await open(path)
  } catch (cause) {
    throw new OciError('BLOB_UNKNOWN', `cannot open blob ${digest}: its segment ${path} is not readable`, { cause })
  }
}

function short({ path }: FileSegment, digest: Digest): OciError {
  return new OciError('BLOB_MISMATCH', `cannot read blob ${digest}: its segment ${path} is short`)
}
