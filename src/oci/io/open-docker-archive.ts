import { open } from 'node:fs/promises'
import type { Digest } from '#core'
import { parseConfig } from '../config.ts'
import { type Descriptor, describe } from '../descriptor.ts'
import { OciError } from '../errors.ts'
import { type JsonObject, parseDocumentList } from '../json-document.ts'
import { formatManifest } from '../manifest.ts'
import { MEDIA_TYPES } from '../media-types.ts'
import { type OpenedImage, openFrom } from '../opened-image.ts'
import type { Platform } from '../platform.ts'
import { type DockerArchiveReference, formatReference } from '../reference.ts'
import { type ArchivedFile, type ArchiveIndex, indexArchive } from './archive-index.ts'
import { locatedBlobs } from './segment-blobs.ts'

const MANIFEST = 'manifest.json'

/**
 * Opens an image of a docker-archive. It has no manifest of its own, so one is made over the files as they are in
 * there; what is inside is tied together by the config's diff ids. Rejects with `IMAGE_UNKNOWN`,
 * `IMAGE_ARCHIVE_INVALID`, and as `openFrom`.
 */
export async function openDockerArchive(reference: DockerArchiveReference, platform?: Platform): Promise<OpenedImage> {
  const archive = await indexArchive(reference.file)
  const name = formatReference(reference)
  const item = await chooseItem(archive, reference)
  const configBytes = await archive.readDocument(item.text('Config'))
  const config = parseConfig(configBytes, `${name}: config`)
  const files = item.texts('Layers').map((path) => archive.lookup(path))
  const layers: Descriptor[] = []
  for (const file of files) layers.push(await layerDescriptor(file))
  const manifest = formatManifest({
    mediaType: MEDIA_TYPES.manifest,
    config: describe(MEDIA_TYPES.config, configBytes),
    layers,
  })
  const segments = new Map<Digest, ArchivedFile>()
  for (const file of [...files, archive.lookup(item.text('Config'))]) segments.set(file.digest, file)
  const blobs = locatedBlobs((digest) => {
    const file = segments.get(digest)
    return file && [file.segment]
  })
  const descriptor = { ...describe(MEDIA_TYPES.manifest, manifest), platform: config.platform }
  const store = { readManifest: async () => manifest, blobs, close: async () => undefined }
  return openFrom(store, { descriptor, bytes: manifest }, { name, platform })
}

/** The entry of `manifest.json` with the reference's name or, without one, the only entry. */
async function chooseItem(archive: ArchiveIndex, reference: DockerArchiveReference): Promise<JsonObject> {
  const bytes = await archive.readDocument(MANIFEST)
  const items = parseDocumentList(bytes, `${reference.file}: ${MANIFEST}`)
  const { name } = reference
  const [found, ...others] = items.filter((item) => name === undefined || item.texts('RepoTags').some(isNamed(name)))
  if (found && others.length === 0) return found
  const tags = items.flatMap((item) => item.texts('RepoTags')).join(', ')
  const reason = name === undefined ? `it holds ${items.length} images, so name one` : `it has no single "${name}"`
  throw new OciError('IMAGE_UNKNOWN', `cannot open ${formatReference(reference)}: ${reason}; there are [${tags}]`)
}

/** Docker Hub's host and its `library/` may stand in an archive's names or be left out. */
function isNamed(name: string): (tag: string) => boolean {
  const short = (text: string) => text.replace(/^docker\.io\//, '').replace(/^library\//, '')
  return (tag) => short(tag) === short(name)
}

async function layerDescriptor({ segment, digest }: ArchivedFile): Promise<Descriptor> {
  const file = await open(segment.path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, Math.min(4, segment.length), segment.offset)
    return { mediaType: layerType(buffer.subarray(0, bytesRead)), digest, size: segment.length }
  } finally {
    await file.close()
  }
}

function layerType(magic: Buffer): string {
  if (magic.length >= 2 && magic.readUInt16BE(0) === 0x1f8b) return MEDIA_TYPES.layerGzip
  return magic.length === 4 && magic.readUInt32BE(0) === 0x28b52ffd ? MEDIA_TYPES.layerZstd : MEDIA_TYPES.layer
}
