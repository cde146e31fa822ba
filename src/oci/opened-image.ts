import { createHash } from 'node:crypto'
import { pipeline, Readable } from 'node:stream'
import { createZstdDecompress } from 'node:zlib'
import type { Digest } from '#core'
import { messageOf } from '#core'
import { type BlobSource, readBlob, verified, verifyBlob } from './blob-source.ts'
import { type ImageConfig, parseConfig } from './config.ts'
import type { Descriptor } from './descriptor.ts'
import { OciError } from './errors.ts'
import { gunzip } from './gzip-members.ts'
import type { ImageDocument, ImageSource, Layer } from './image-source.ts'
import { parseIndex } from './index-document.ts'
import { MAX_DOCUMENT_BYTES } from './json-document.ts'
import { type Manifest, parseManifest } from './manifest.ts'
import { compressionOf, isIndexType, isManifestType } from './media-types.ts'
import { memoryBlobs } from './memory-blobs.ts'
import { formatPlatform, type Platform, samePlatform } from './platform.ts'

/** A layer of an image that can be read, any number of times. */
export interface OpenedLayer extends Layer {
  /** Gives the bytes as stored. Rejects at the end with `BLOB_MISMATCH` unless they are what the descriptor says. */
  open(): AsyncIterable<Uint8Array>
  /** The same from byte `start` on, not held against anything: for a `BlobSource`, whose readers verify. */
  stored(start?: number): AsyncIterable<Uint8Array>
  /** Reads those bytes and keeps nothing of them. Rejects with `BLOB_MISMATCH` unless they are what the descriptor says. */
  verify(): Promise<void>
  /** Gives the uncompressed tar archive. Rejects at the end with `BLOB_MISMATCH` unless its digest is `diffId`. */
  openTar(): AsyncIterable<Uint8Array>
}

/** One platform's image, wherever it lies. Documents are verified; `layers` are lowest first. */
export interface OpenedImage {
  /** What the reference points to: the manifest itself, or the index that it was chosen from. */
  readonly top: ImageDocument
  readonly manifest: Manifest
  readonly manifestDocument: ImageDocument
  readonly config: ImageConfig
  readonly configDocument: ImageDocument
  readonly layers: readonly OpenedLayer[]
  /** Lets go of connections; what was opened before is of no more use. */
  close(): Promise<void>
}

/** Opens an image that is about to be written or pushed, as if it were there already. Rejects as `openFrom`. */
export async function openSource(
  { top, images, blobs }: ImageSource,
  options: { name: string; platform: Platform | undefined },
): Promise<OpenedImage> {
  const documents = images.flatMap(({ manifest, config }) => [manifest, config])
  const store: ImageStore = {
    async readManifest({ digest }) {
      const found = documents.find(({ descriptor }) => descriptor.digest === digest)
      if (found === undefined) throw new OciError('BLOB_UNKNOWN', `cannot open ${options.name}: it has no ${digest}`)
      return found.bytes
    },
    blobs: memoryBlobs(documents, blobs),
    close: async () => undefined,
  }
  return openFrom(store, top, options)
}

/** What an image is opened from. */
export interface ImageStore {
  /** Gives the bytes of a manifest or index, unverified. Rejects with `IMAGE_UNKNOWN` or `BLOB_UNKNOWN`. */
  readManifest(descriptor: Descriptor): Promise<Uint8Array>
  /** Opens configs and layers. */
  readonly blobs: BlobSource
  close(): Promise<void>
}

/** The most bytes that a layer may have when uncompressed; a bomb ends there. */
const MAX_LAYER_BYTES = 64 * 2 ** 30

/**
 * Opens the image of `platform` that `top` is or lists; `name` is what messages call it. Without a platform there must
 * be one image only. Rejects with `IMAGE_UNKNOWN`, `DOCUMENT_INVALID`, `BLOB_MISMATCH`, and as the store does.
 */
export async function openFrom(
  store: ImageStore,
  top: ImageDocument,
  { name, platform }: { name: string; platform: Platform | undefined },
): Promise<OpenedImage> {
  const manifestDocument = await chooseManifest(store, top, { name, platform })
  const manifest = parseManifest(manifestDocument.bytes, `${name}: manifest ${manifestDocument.descriptor.digest}`)
  checkSize(manifest.config, name)
  const configBytes = await readBlob(manifest.config, store.blobs.open(manifest.config.digest))
  const config = parseConfig(configBytes, `${name}: config ${manifest.config.digest}`)
  if (platform && !samePlatform(config.platform, platform)) {
    throw unknown(name, `its config is for ${formatPlatform(config.platform)}, not for ${formatPlatform(platform)}`)
  }
  if (config.diffIds.length !== manifest.layers.length) {
    const counts = `${manifest.layers.length} layers and ${config.diffIds.length} diff ids`
    throw new OciError('DOCUMENT_INVALID', `cannot open ${name}: it has ${counts}`)
  }
  return {
    top,
    manifest,
    manifestDocument,
    config,
    configDocument: { descriptor: manifest.config, bytes: configBytes },
    layers: config.diffIds.flatMap((diffId, index) => {
      const descriptor = manifest.layers[index]
      return descriptor ? [openedLayer(store.blobs, descriptor, diffId)] : []
    }),
    close: () => store.close(),
  }
}

/** Checks, before anything of it is read, that a document is not larger than documents are. Throws `DOCUMENT_INVALID`. */
export function checkSize({ digest, size }: Descriptor, name: string): void {
  if (size <= MAX_DOCUMENT_BYTES) return
  throw new OciError(
    'DOCUMENT_INVALID',
    `cannot read ${name}: ${digest} has ${size} bytes, more than ${MAX_DOCUMENT_BYTES}`,
  )
}

async function chooseManifest(
  store: ImageStore,
  top: ImageDocument,
  { name, platform }: { name: string; platform: Platform | undefined },
): Promise<ImageDocument> {
  if (!isIndexType(top.descriptor.mediaType)) return top
  const { manifests } = parseIndex(top.bytes, `${name}: index ${top.descriptor.digest}`)
  const images = manifests.filter((entry) => isManifestType(entry.mediaType) && entry.platform?.os !== 'unknown')
  const chosen = images.filter((entry) => !platform || !entry.platform || samePlatform(entry.platform, platform))
  const [descriptor, ...others] = chosen
  if (!descriptor || others.length > 0) {
    const listed = images.map((entry) => (entry.platform ? formatPlatform(entry.platform) : 'no platform')).join(', ')
    const wanted = platform ? `for ${formatPlatform(platform)}` : 'only, so name a platform'
    throw unknown(name, `its index lists ${chosen.length} images ${wanted}; there are [${listed}]`)
  }
  checkSize(descriptor, name)
  const bytes = await readBlob(descriptor, chunkOf(store.readManifest(descriptor)))
  return { descriptor, bytes }
}

async function* chunkOf(bytes: Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield await bytes
}

function openedLayer(blobs: BlobSource, descriptor: Descriptor, diffId: Digest): OpenedLayer {
  const stored = (start?: number) => blobs.open(descriptor.digest, start)
  const open = () => verified(descriptor, stored())
  const verify = () => verifyBlob(descriptor, blobs)
  return { descriptor, diffId, open, stored, verify, openTar: () => verifiedTar({ descriptor, diffId }, open()) }
}

async function* verifiedTar(
  { descriptor, diffId }: Layer,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of decompressed(descriptor, bytes)) {
    size += chunk.length
    if (size > MAX_LAYER_BYTES) throw mismatch(descriptor, `it is over ${MAX_LAYER_BYTES} bytes when uncompressed`)
    hash.update(chunk)
    yield chunk
  }
  const digest = `sha256:${hash.digest('hex')}`
  if (digest !== diffId) throw mismatch(descriptor, `uncompressed it has the digest ${digest} instead of ${diffId}`)
}

async function* decompressed(layer: Descriptor, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const compression = compressionOf(layer.mediaType)
  if (compression === undefined) {
    throw new OciError('DOCUMENT_INVALID', `cannot read layer ${layer.digest}: "${layer.mediaType}" is no layer's type`)
  }
  if (compression === 'none') return yield* bytes
  try {
    yield* compression === 'gzip' ? gunzip(bytes) : unzstd(bytes)
  } catch (cause) {
    if (cause instanceof OciError) throw cause
    const reason = messageOf(cause)
    throw new OciError('BLOB_MISMATCH', `cannot accept layer ${layer.digest}: ${compression}: ${reason}`, { cause })
  }
}

async function* unzstd(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // An error of either side ends the decoder, and the loop sees it.
  yield* pipeline(Readable.from(bytes), createZstdDecompress({ chunkSize: 256 * 1024 }), () => undefined)
}

function mismatch(layer: Descriptor, reason: string): OciError {
  return new OciError('BLOB_MISMATCH', `cannot accept layer ${layer.digest}: ${reason}`)
}

function unknown(name: string, reason: string): OciError {
  return new OciError('IMAGE_UNKNOWN', `cannot open ${name}: ${reason}`)
}
