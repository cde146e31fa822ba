import { join } from 'node:path'
import { ANNOTATIONS } from '../annotations.ts'
import { type BlobSource, readBlob } from '../blob-source.ts'
import type { Descriptor } from '../descriptor.ts'
import { OciError } from '../errors.ts'
import { type ImageIndex, parseIndex } from '../index-document.ts'
import { blobPath, LAYOUT_INDEX } from '../layout-format.ts'
import { checkSize, type ImageStore, type OpenedImage, openFrom } from '../opened-image.ts'
import type { Platform } from '../platform.ts'
import { formatReference, type LayoutReference, type OciArchiveReference } from '../reference.ts'
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
  const descriptor = listedUnder(index, name, tag)
  checkSize(descriptor, name)
  const bytes = await readBlob(descriptor, blobs.open(descriptor.digest))
  const store: ImageStore = {
    readManifest: (wanted) => readBlob(wanted, blobs.open(wanted.digest)),
    blobs,
    close: async () => undefined,
  }
  return openFrom(store, { descriptor, bytes }, { name, platform })
}

/** The entry with this tag or, without one, the only entry. */
function listedUnder({ manifests }: ImageIndex, name: string, tag: string | undefined): Descriptor {
  const tags = manifests.map((entry) => entry.annotations?.[ANNOTATIONS.refName])
  const [found, ...others] = manifests.filter((_, index) => tag === undefined || tags[index] === tag)
  if (found && others.length === 0) return found
  const listed = tags.map((listedTag) => listedTag ?? 'no tag').join(', ')
  const reason = tag === undefined ? `it holds ${manifests.length} images, so name a tag` : `it has no single "${tag}"`
  throw new OciError('IMAGE_UNKNOWN', `cannot open ${name}: ${reason}; there are [${listed}]`)
}
