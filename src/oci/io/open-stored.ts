import { stat } from 'node:fs/promises'
import type { Digest } from '#core'
import { readBlob } from '../blob-source.ts'
import { OciError } from '../errors.ts'
import { MAX_DOCUMENT_BYTES, parseDocument } from '../json-document.ts'
import { MEDIA_TYPES } from '../media-types.ts'
import { type ImageStore, type OpenedImage, openFrom } from '../opened-image.ts'
import type { Platform } from '../platform.ts'
import { locatedBlobs } from './segment-blobs.ts'

/** Where a blob lies as a file; `undefined` when it is not at hand. */
export type FindBlob = (digest: Digest) => Promise<string | undefined>

/**
 * Opens an image of which nothing is known but the digest of its manifest or index, from files by digest. `name` is what
 * messages call it. Rejects with `BLOB_UNKNOWN` where a document is not at hand, and as `openFrom`; layers are looked for
 * when they are read.
 */
export async function openStoredImage(
  digest: Digest,
  find: FindBlob,
  { name, platform }: { name: string; platform: Platform | undefined },
): Promise<OpenedImage> {
  const blobs: ImageStore['blobs'] = {
    async *open(wanted, start = 0) {
      const path = await find(wanted)
      yield* locatedBlobs(() => (path === undefined ? undefined : [{ path }])).open(wanted, start)
    },
  }
  const size = await sizeOf(digest, find, name)
  const bytes = await readBlob({ mediaType: '', digest, size }, blobs.open(digest))
  const document = parseDocument(bytes, `${name}: ${digest}`)
  // Indexes and manifests of image-spec need not say what they are.
  const usual = document.has('manifests') ? MEDIA_TYPES.index : MEDIA_TYPES.manifest
  const mediaType = document.has('mediaType') ? document.text('mediaType') : usual
  const store: ImageStore = {
    readManifest: (wanted) => readBlob(wanted, blobs.open(wanted.digest)),
    blobs,
    close: async () => undefined,
  }
  return openFrom(store, { descriptor: { mediaType, digest, size }, bytes }, { name, platform })
}

async function sizeOf(digest: Digest, find: FindBlob, name: string): Promise<number> {
  const path = await find(digest)
  if (path === undefined) throw new OciError('BLOB_UNKNOWN', `cannot open ${name}: ${digest} is not at hand`)
  const { size } = await stat(path)
  if (size <= MAX_DOCUMENT_BYTES) return size
  throw new OciError('DOCUMENT_INVALID', `cannot open ${name}: it has ${size} bytes, more than ${MAX_DOCUMENT_BYTES}`)
}
