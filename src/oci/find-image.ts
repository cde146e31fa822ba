import { digestOf } from '#core'
import { OciError } from './errors.ts'
import type { ImageDocument } from './image-source.ts'
import { parseIndex } from './index-document.ts'
import { isDocumentType, isIndexType, isManifestType } from './media-types.ts'
import { type ImageStore, type OpenedImage, openFrom } from './opened-image.ts'
import type { Platform } from './platform.ts'
import type { Repository } from './repository.ts'

/** An image in a repository. It lives as long as the repository, and closing what it opens closes nothing. */
export interface FoundImage {
  /** What was named: an index, or a manifest itself. */
  readonly top: ImageDocument
  /** Those that the index lists images for; none where there is no index. */
  readonly platforms: readonly Platform[]
  /** Opens the image of a platform; it may be left out where there is only one. Rejects as `openImage` does. */
  open(platform?: Platform): Promise<OpenedImage>
}

/**
 * Finds an image by tag or digest; `name` is what messages call it. Rejects with `IMAGE_UNKNOWN`, `BLOB_MISMATCH`,
 * `DOCUMENT_INVALID`, and as the repository does.
 */
export async function findImage(repository: Repository, reference: string, name: string): Promise<FoundImage> {
  const found = await repository.readManifest(reference)
  if (found === undefined) {
    throw new OciError('IMAGE_UNKNOWN', `cannot open ${name}: the registry has no manifest ${reference}`)
  }
  const { mediaType, bytes } = found
  const digest = digestOf(bytes)
  if (reference.includes(':') && digest !== reference) {
    throw new OciError('BLOB_MISMATCH', `cannot open ${name}: the registry sent a manifest with the digest ${digest}`)
  }
  if (!isDocumentType(mediaType)) {
    throw new OciError('DOCUMENT_INVALID', `cannot open ${name}: it is no image but "${mediaType}"`)
  }
  const top = { descriptor: { mediaType, digest, size: bytes.length }, bytes }
  const store: ImageStore = {
    async readManifest(descriptor) {
      const inner = await repository.readManifest(descriptor.digest)
      if (inner !== undefined) return inner.bytes
      throw new OciError('IMAGE_UNKNOWN', `cannot open ${name}: the registry has no manifest ${descriptor.digest}`)
    },
    blobs: repository.blobs(),
    close: async () => undefined,
  }
  return {
    top,
    platforms: isIndexType(mediaType) ? platformsOf(bytes, name) : [],
    open: (platform) => openFrom(store, top, { name, platform }),
  }
}

function platformsOf(bytes: Uint8Array, name: string): readonly Platform[] {
  return parseIndex(bytes, name).manifests.flatMap(({ mediaType, platform }) =>
    platform === undefined || platform.os === 'unknown' || !isManifestType(mediaType) ? [] : [platform],
  )
}
