import { isAbsolute, join } from 'node:path'
import type { Digest } from '#core'
import type { ContentStore } from '#debian'
import {
  formatPlatform,
  OciError,
  type OpenedImage,
  openImage,
  openStoredImage,
  parsePlatform,
  parseReference,
  type Reference,
  readImageFiles,
} from '#oci'
import { ImageError } from '../errors.ts'
import { ARCHIVE_LIMITS, contentsOf, type TakenTree } from './taken-archive.ts'

/** An image that is known by the digest of its manifest or index, and where to look for it. */
export interface TakenImage {
  /** Without the digest. */
  readonly reference: string
  readonly digest: Digest
  /** The folder that a relative path starts from. */
  readonly folder: string
}

/**
 * Reads the list of the files of an image, of one platform, its layers on top of one another. What is read is kept in the store,
 * so that it need be had only once. Rejects with `SOURCE_MISSING` where there is no network and it is not at hand, `SOURCE_INVALID`
 * where another image is there, and as `openImage` does.
 */
export async function openTakenImage(
  image: TakenImage,
  platform: string,
  store: ContentStore,
): Promise<TakenTree & { readonly manifest: Digest; readonly parts: readonly Digest[] }> {
  const opened = (await openKept(image, platform, store)) ?? (await keep(image, platform, store))
  const files = await readImageFiles(opened.layers, { wants: () => false })
  const documents = [opened.top, opened.manifestDocument, opened.configDocument]
  return {
    files,
    manifest: opened.manifestDocument.descriptor.digest,
    parts: [...documents, ...opened.layers].map(({ descriptor }) => descriptor.digest),
    async read(paths) {
      const options = { wants: ({ path }: { path: string }) => paths.has(path), maxContent: ARCHIVE_LIMITS.held }
      return contentsOf(await readImageFiles(opened.layers, options), paths)
    },
  }
}

/** The image from what is at hand; `undefined` where a part of it is not. */
async function openKept(
  { reference, digest }: TakenImage,
  platform: string,
  store: ContentStore,
): Promise<OpenedImage | undefined> {
  const find = (wanted: Digest) => store.find(wanted)
  const named = { name: `${reference}@${digest}`, platform: parsePlatform(platform) }
  try {
    const image = await openStoredImage(digest, find, named)
    for (const { descriptor } of image.layers) {
      if ((await find(descriptor.digest)) === undefined) return undefined
    }
    return image
  } catch (error) {
    if (error instanceof OciError && error.code === 'BLOB_UNKNOWN') return undefined
    throw error
  }
}

/** Brings every part of the image to the store, and opens it there. */
async function keep(taken: TakenImage, platform: string, store: ContentStore): Promise<OpenedImage> {
  const name = `${taken.reference}@${taken.digest}`
  const reference = referenceOf(taken)
  if (store.isOffline && reference.transport === 'docker') {
    const reason = 'there is no network to be used, and neither cache nor stores have all of it'
    throw new ImageError('SOURCE_MISSING', `cannot take in ${name} for ${platform}: ${reason}`)
  }
  const image = await openImage(reference, { platform: parsePlatform(platform) })
  try {
    const documents = [image.top, image.manifestDocument, image.configDocument]
    if (!documents.slice(0, 2).some(({ descriptor }) => descriptor.digest === taken.digest)) {
      throw new ImageError('SOURCE_INVALID', `cannot take in ${name}: what is there is ${image.top.descriptor.digest}`)
    }
    for (const { descriptor, bytes } of documents) await store.keep(descriptor.digest, oneChunk(bytes))
    for (const { descriptor, open } of image.layers) {
      if ((await store.find(descriptor.digest)) === undefined) await store.keep(descriptor.digest, open())
    }
  } finally {
    await image.close()
  }
  const kept = await openKept(taken, formatPlatform(image.config.platform), store)
  if (kept !== undefined) return kept
  throw new ImageError('SOURCE_INVALID', `cannot take in ${name}: the cache does not keep what was put into it`)
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** A registry is asked for the digest itself; a path starts at the definition's folder. */
function referenceOf({ reference, digest, folder }: TakenImage): Reference {
  const parsed = parseReference(reference)
  const place = (path: string) => (isAbsolute(path) ? path : join(folder, path))
  switch (parsed.transport) {
    case 'docker':
      return { ...parsed, digest }
    case 'oci':
      return { ...parsed, directory: place(parsed.directory) }
    default:
      return { ...parsed, file: place(parsed.file) }
  }
}
