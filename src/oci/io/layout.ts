import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { inParallel } from '#core'
import { type BlobSource, verified } from '../blob-source.ts'
import type { Descriptor } from '../descriptor.ts'
import { OciError } from '../errors.ts'
import { documentsOf, type ImageDocument, type ImageSource, layersOf } from '../image-source.ts'
import { type ImageIndex, parseIndex } from '../index-document.ts'
import { parseDocument } from '../json-document.ts'
import { blobPath, LAYOUT_FILE, LAYOUT_INDEX, LAYOUT_MARK, tagged } from '../layout-format.ts'
import { writeFileAtomically } from './atomic-file.ts'

const WRITERS = 4

/**
 * Writes an image into an OCI layout and tags it, keeping whatever else the folder's layout holds. A blob that is there
 * with the right size is not written again; every blob that is written is verified. `index.json` changes last and at
 * once, so a layout never names what it lacks. Two writers of one layout at the same moment: the last one's tag stays.
 * Rejects with `LAYOUT_INVALID` for a folder that holds something else, `BLOB_MISMATCH`, `OUTPUT_FAILED`.
 */
export async function writeLayout(directory: string, image: ImageSource, tag?: string): Promise<void> {
  await checkLayout(directory)
  await inParallel(WRITERS, layersOf(image.images), (layer) => writeLayer(directory, layer, image.blobs))
  for (const document of documentsOf(image)) await writeDocument(directory, document)
  await writeFileAtomically(join(directory, LAYOUT_FILE), [LAYOUT_MARK])
  const index = tagged(await readLayoutIndex(directory), image.top.descriptor, tag)
  await writeFileAtomically(join(directory, LAYOUT_INDEX), [index])
}

/** Reads a layout's `index.json`; `undefined` where there is none yet. Rejects with `LAYOUT_INVALID`, `DOCUMENT_INVALID`. */
export async function readLayoutIndex(directory: string): Promise<ImageIndex | undefined> {
  const path = join(directory, LAYOUT_INDEX)
  const bytes = await readIfThere(path)
  return bytes && parseIndex(bytes, path)
}

/** Checks that a folder is a layout of version 1, or empty, or not there. Rejects with `LAYOUT_INVALID`. */
export async function checkLayout(directory: string): Promise<void> {
  const path = join(directory, LAYOUT_FILE)
  const mark = await readIfThere(path)
  if (mark) {
    const version = parseDocument(mark, path).text('imageLayoutVersion')
    if (version !== '1.0.0')
      throw new OciError('LAYOUT_INVALID', `cannot use ${path}: layout version "${version}" is not 1.0.0`)
    return
  }
  const names = await readdir(directory).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return []
    throw new OciError('LAYOUT_INVALID', `cannot use ${directory} as an OCI layout: ${cause.message}`, { cause })
  })
  // A writer that was killed in an empty folder leaves blobs only; they are as good as new.
  const foreign = names.find((name) => name !== 'blobs' && !name.endsWith('.partial'))
  if (foreign !== undefined) {
    throw new OciError(
      'LAYOUT_INVALID',
      `cannot use ${directory} as an OCI layout: it holds "${foreign}" but no ${LAYOUT_FILE}`,
    )
  }
}

async function writeLayer(directory: string, layer: Descriptor, blobs: BlobSource): Promise<void> {
  const path = join(directory, blobPath(layer.digest))
  if (await isThere(path, layer.size)) return
  await writeFileAtomically(path, verified(layer, blobs.open(layer.digest)))
}

async function writeDocument(directory: string, { descriptor, bytes }: ImageDocument): Promise<void> {
  const path = join(directory, blobPath(descriptor.digest))
  if (!(await isThere(path, descriptor.size))) await writeFileAtomically(path, [bytes])
}

async function isThere(path: string, size: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true && found.size === size
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  return readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined
    throw new OciError('LAYOUT_INVALID', `cannot read ${path}: ${cause.message}`, { cause })
  })
}
