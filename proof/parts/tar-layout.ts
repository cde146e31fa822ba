import { gzipSync } from 'node:zlib'
import { type Digest, digestOf } from '#core'
import { composeImage, composeIndex, type ExecutionParameters, MEDIA_TYPES, platformOfDebian, writeLayout } from '#oci'

/** Writes tars, lowest first, as the layers of one amd64 image into a layout that holds no other, tagged `image`. */
export async function writeTarLayout(
  folder: string,
  tars: readonly Uint8Array[],
  config: ExecutionParameters = {},
): Promise<void> {
  const blobs = new Map<Digest, Uint8Array>()
  const layers = tars.map((tar) => {
    const bytes = gzipSync(tar, { level: 1 })
    const digest = digestOf(bytes)
    blobs.set(digest, bytes)
    return { descriptor: { mediaType: MEDIA_TYPES.layerGzip, digest, size: bytes.length }, diffId: digestOf(tar) }
  })
  const image = composeImage({ config: { platform: platformOfDebian('amd64'), config }, layers })
  const source = {
    async *open(digest: Digest) {
      const bytes = blobs.get(digest)
      if (bytes !== undefined) yield bytes
    },
  }
  await writeLayout(folder, composeIndex([image], source), 'image')
}
