import { type Digest, digestOf } from '#core'
import type { BlobSource } from './blob-source.ts'
import { OciError } from './errors.ts'
import type { OpenedLayer } from './opened-image.ts'

/** Makes one source of the layers of opened images, as long as those stay open, and of layers that are held in memory. */
export function layerBlobs(layers: Iterable<OpenedLayer>, held: Iterable<Uint8Array> = []): BlobSource {
  const sources = new Map<Digest, (start: number) => AsyncIterable<Uint8Array>>()
  for (const { descriptor, open } of layers) sources.set(descriptor.digest, (start) => skipping(open(), start))
  for (const bytes of held) sources.set(digestOf(bytes), (start) => whole(bytes.subarray(start)))
  return {
    open(digest, start = 0) {
      const source = sources.get(digest)
      if (source === undefined) throw new OciError('BLOB_UNKNOWN', `cannot open blob ${digest}: no layer is that`)
      return source(start)
    },
  }
}

async function* skipping(bytes: AsyncIterable<Uint8Array>, start: number): AsyncGenerator<Uint8Array> {
  let left = start
  for await (const chunk of bytes) {
    if (left < chunk.length) yield chunk.subarray(left)
    left = Math.max(0, left - chunk.length)
  }
}

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
