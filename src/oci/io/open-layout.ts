import { join } from 'node:path'
import type { Digest } from '#core'
import { type BlobSource, readBlob } from '../blob-source.ts'
import type { Descriptor } from '../descriptor.ts'
import { OciError } from '../errors.ts'
import { type ImageIndex, parseIndex } from '../index-document.ts'
import { blobPath, LAYOUT_INDEX, layoutTag } from '../layout-format.ts'
import { isDocumentType } from '../media-types.ts'
import { checkSize, type ImageStore, type OpenedImage, openFrom } from '../opened-image.ts'
import type { Platform } from '../platform.ts'
import { formatReference, type LayoutReference, type OciArchiveReference } from '../reference.ts'
import { parseManifestOrIndex } from '../referrer.ts'
import { isEvidenceTag } from '../repository.ts'
import { indexArchive } from './archive-index.ts'
import { readLayoutIndex } from './layout.ts'
import { locatedBlobs } from './segment-blobs.ts'

/** Opens an image of a layout's folder. Rejects with `IMAGE_UNKNOWN`, `LAYOUT_INVALID`, and as `openFrom`. */
export async function openLayoutImage(reference: LayoutReference, platform?: Platform): Promise<OpenedImage> {
  const { directory } = reference
  const index = await readLayoutIndex(directory)
  const name = formatReference(reference)
  if (!index) throw new OciError('IMAGE_UNKNOWN', `cannot open ${name}: there is no ${join(directory, LAYOUT_INDEX)}`)
  const blobs = locatedBlobs((digest) => [{ path: join(directory, blobPath(digest)) }])
  return openListed(index, blobs, { name, tag: reference.tag, platform })
}

/** Opens an image of an oci-archive. Rejects with `IMAGE_UNKNOWN`, `IMAGE_ARCHIVE_INVALID`, and as `openFrom`. */
export async function openOciArchive(reference: OciArchiveReference, platform?: Platform): Promise<OpenedImage> {
  const archive = await indexArchive(reference.file)
  const name = formatReference(reference)
  const index = parseIndex(await archive.readDocument(LAYOUT_INDEX), `${reference.file}: ${LAYOUT_INDEX}`)
  const blobs = locatedBlobs((digest) => {
    const found = archive.find(blobPath(digest))
    return found && [found.segment]
  })
  return openListed(index, blobs, { name, tag: reference.tag, platform })
}

async function openListed(
  index: ImageIndex,
  blobs: BlobSource,
  { name, tag, platform }: { name: string; tag: string | undefined; platform: Platform | undefined },
): Promise<OpenedImage> {
  const descriptor = await chooseImage(index, blobs, { name, tag })
  checkSize(descriptor, name)
  const bytes = await readBlob(descriptor, blobs.open(descriptor.digest))
  const store: ImageStore = {
    readManifest: (wanted) => readBlob(wanted, blobs.open(wanted.digest)),
    blobs,
    close: async () => undefined,
  }
  return openFrom(store, { descriptor, bytes }, { name, platform })
}

/**
 * Chooses the entry with this tag or, without one, the only image: evidence beside it, and an image that an index lists, do
 * not count. `name` is what messages call the layout. Rejects with `IMAGE_UNKNOWN`, and as `blobs` do.
 */
export async function chooseImage(
  { manifests }: ImageIndex,
  blobs: BlobSource,
  { name, tag }: { name: string; tag: string | undefined },
): Promise<Descriptor> {
  const images = tag === undefined ? await imagesAmong(manifests, blobs, name) : manifests
  const [found, ...others] = images.filter((entry) => tag === undefined || layoutTag(entry) === tag)
  if (found && others.length === 0) return found
  const names = images.map((entry) => layoutTag(entry) ?? 'no tag').filter((one) => !isEvidenceTag(one))
  const reason = tag === undefined ? `it holds ${images.length} images, so name a tag` : `it has no single "${tag}"`
  throw new OciError('IMAGE_UNKNOWN', `cannot open ${name}: ${reason}; there are [${names.join(', ')}]`)
}

/** The entries that are images in their own right. */
async function imagesAmong(entries: readonly Descriptor[], blobs: BlobSource, name: string): Promise<Descriptor[]> {
  const candidates = entries.filter(
    (entry) => isDocumentType(entry.mediaType) && !isEvidenceTag(layoutTag(entry) ?? ''),
  )
  if (candidates.length < 2) return candidates
  const images: Descriptor[] = []
  const inner = new Set<Digest>()
  for (const entry of candidates) {
    checkSize(entry, name)
    const bytes = await readBlob(entry, blobs.open(entry.digest))
    const read = parseManifestOrIndex({ descriptor: entry, bytes }, `${name}: manifest ${entry.digest}`)
    if ('manifests' in read) for (const { digest } of read.manifests) inner.add(digest)
    if (read.subject === undefined) images.push(entry)
  }
  return images.filter((entry) => layoutTag(entry) !== undefined || !inner.has(entry.digest))
}
