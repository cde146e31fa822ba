import type { BlobSource } from './blob-source.ts'
import { OciError } from './errors.ts'
import type { OpenedLayer } from './opened-image.ts'

/** Makes one source of the layers of opened images, as long as those stay open. */
export function layerBlobs(layers: Iterable<OpenedLayer>): BlobSource {
  const byDigest = new Map([...layers].map((layer) => [layer.descriptor.digest, layer]))
  return {
    open(digest, start) {
      const layer = byDigest.get(digest)
      if (layer === undefined) throw new OciError('BLOB_UNKNOWN', `cannot open blob ${digest}: no layer is that`)
      return layer.stored(start)
    },
  }
}
