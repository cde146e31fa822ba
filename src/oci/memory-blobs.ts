import type { BlobSource } from './blob-source.ts'
import { OciError } from './errors.ts'
import type { ImageDocument } from './image-source.ts'

/** Gives blobs that are in memory, and others from where they are. Reading rejects with `BLOB_UNKNOWN`, or as `others` does. */
export function memoryBlobs(documents: readonly ImageDocument[], others?: BlobSource): BlobSource {
  const byDigest = new Map(documents.map(({ descriptor, bytes }) => [descriptor.digest, bytes]))
  return {
    async *open(digest, start = 0) {
      const bytes = byDigest.get(digest)
      if (bytes !== undefined) yield bytes.subarray(start)
      else if (others !== undefined) yield* others.open(digest, start)
      else throw new OciError('BLOB_UNKNOWN', `cannot open blob ${digest}: it is not there`)
    },
  }
}
