import type { Digest } from '#core'
import type { Annotations } from './annotations.ts'
import type { BlobSource } from './blob-source.ts'
import { formatConfig, type ImageConfig } from './config.ts'
import { type Descriptor, describe } from './descriptor.ts'
import { OciError } from './errors.ts'
import { formatIndex } from './index-document.ts'
import { formatManifest } from './manifest.ts'
import { MEDIA_TYPES } from './media-types.ts'
import { formatPlatform, type Platform } from './platform.ts'

/** A JSON document of an image with its descriptor. */
export interface ImageDocument {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
}

/** A layer: its descriptor as stored, and the digest of its uncompressed tar archive. */
export interface Layer {
  readonly descriptor: Descriptor
  readonly diffId: Digest
}

/** The image of one platform. The manifest's descriptor carries the platform; `layers` are lowest first. */
export interface PlatformImage {
  readonly platform: Platform
  readonly manifest: ImageDocument
  readonly config: ImageDocument
  readonly layers: readonly Layer[]
}

/** A whole image, ready to be written or pushed anywhere: small documents in memory, layers wherever `blobs` has them. */
export interface ImageSource {
  /** What a tag points to: the index of all platforms, or the manifest of the only one. */
  readonly top: ImageDocument
  /** In the order in which the index lists them. */
  readonly images: readonly PlatformImage[]
  /** Opens every layer; need not know the documents. */
  readonly blobs: BlobSource
}

/** What one platform's image is made from. `config` lacks only what the layers say: the diff ids. */
export interface PlatformImageInput {
  readonly config: Omit<ImageConfig, 'diffIds'>
  readonly layers: readonly Layer[]
  readonly annotations?: Annotations
}

/** Makes the config and the manifest of one platform's image; the same input gives the same bytes. */
export function composeImage({ config, layers, annotations }: PlatformImageInput): PlatformImage {
  const diffIds = layers.map((layer) => layer.diffId)
  const configBytes = formatConfig({ ...config, diffIds })
  const configDescriptor = describe(MEDIA_TYPES.config, configBytes)
  const bytes = formatManifest({
    mediaType: MEDIA_TYPES.manifest,
    config: configDescriptor,
    layers: layers.map((layer) => layer.descriptor),
    ...(annotations ? { annotations } : {}),
  })
  return {
    platform: config.platform,
    manifest: { descriptor: { ...describe(MEDIA_TYPES.manifest, bytes), platform: config.platform }, bytes },
    config: { descriptor: configDescriptor, bytes: configBytes },
    layers,
  }
}

/**
 * Makes the index over the images, sorted by platform, so that their order does not matter. Throws `PLATFORM_INVALID`
 * for none, or for two of one platform.
 */
export function composeIndex(
  images: readonly PlatformImage[],
  blobs: BlobSource,
  annotations?: Annotations,
): ImageSource {
  const byPlatform = new Map(images.map((image) => [formatPlatform(image.platform), image]))
  if (byPlatform.size !== images.length || images.length === 0) {
    const platforms = images.map((image) => formatPlatform(image.platform)).join(', ')
    throw new OciError(
      'PLATFORM_INVALID',
      `cannot make an index of [${platforms}]: want one image a platform, at least one`,
    )
  }
  const sorted = [...byPlatform.keys()].sort().flatMap((platform) => byPlatform.get(platform) ?? [])
  const bytes = formatIndex({
    mediaType: MEDIA_TYPES.index,
    manifests: sorted.map((image) => image.manifest.descriptor),
    ...(annotations ? { annotations } : {}),
  })
  return { top: { descriptor: describe(MEDIA_TYPES.index, bytes), bytes }, images: sorted, blobs }
}

/** Gives every layer of an image once, in order of first use. */
export function layersOf(images: readonly PlatformImage[]): Descriptor[] {
  const layers = images.flatMap((image) => image.layers.map((layer) => layer.descriptor))
  return [...new Map(layers.map((layer) => [layer.digest, layer])).values()]
}

/** Gives every JSON document of an image once, in the order in which a registry wants them: configs, manifests, index. */
export function documentsOf(image: ImageSource): ImageDocument[] {
  const documents = [
    ...image.images.map(({ config }) => config),
    ...image.images.map(({ manifest }) => manifest),
    image.top,
  ]
  return [...new Map(documents.map((document) => [document.descriptor.digest, document])).values()]
}
