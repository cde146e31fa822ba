import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ANNOTATIONS } from '../annotations.ts'
import { readBlob } from '../blob-source.ts'
import { OciError } from '../errors.ts'
import type { ImageDocument } from '../image-source.ts'
import { type ImageIndex, parseIndex } from '../index-document.ts'
import { blobPath, LAYOUT_INDEX } from '../layout-format.ts'
import { checkSize, type ImageStore, type OpenedImage, openFrom } from '../opened-image.ts'
import type { Platform } from '../platform.ts'
import { formatReference, type LayoutReference, type OciArchiveReference } from '../reference.ts'
import { indexArchive } from './archive-index.ts'
import { readLayoutIndex } from './layout.ts'
import { segmentBlobs } from './segment-blobs.ts'
import type { BlobSource } from '../blob-source.ts'

/** Opens an image of a layout's folder. Rejects with `IMAGE_UNKNOWN`, `LAYOUT_INVALID`, and as `openFrom`. */
export async function openLayoutImage(reference: LayoutReference, platform?: Platform): Promise<OpenedImage> {
  const { directory } = reference
  const index = await readLayoutIndex(directory)
  if (!index) throw unknown(reference, `there is no ${join(directory, LAYOUT_INDEX)}`)
  const blobs: BlobSource = {
    open: (digest, start) => {
      const path = join(directory, blobPath(digest))
    },
  }
}
