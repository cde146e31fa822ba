/** Media types of image-spec 1.1, "OCI Image Media Types". */
export const MEDIA_TYPES = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  empty: 'application/vnd.oci.empty.v1+json',
} as const

/** The older Docker types that image-spec calls compatible ("Compatibility Matrix"). They are read, never written. */
export const DOCKER_MEDIA_TYPES = {
  index: 'application/vnd.docker.distribution.manifest.list.v2+json',
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar',
  layerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const

/** How a layer's tar archive is compressed. */
export type LayerCompression = 'none' | 'gzip' | 'zstd'

const COMPRESSIONS: Readonly<Record<string, LayerCompression>> = {
  [MEDIA_TYPES.layer]: 'none',
  [MEDIA_TYPES.layerGzip]: 'gzip',
  [MEDIA_TYPES.layerZstd]: 'zstd',
  [DOCKER_MEDIA_TYPES.layer]: 'none',
  [DOCKER_MEDIA_TYPES.layerGzip]: 'gzip',
}

/** Tells whether a media type is that of an index of manifests. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPES.index || mediaType === DOCKER_MEDIA_TYPES.index
}

/** Tells whether a media type is that of one image's manifest. */
export function isManifestType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPES.manifest || mediaType === DOCKER_MEDIA_TYPES.manifest
}

/** Tells whether a media type is that of what a registry keeps as a manifest: an index, or one image's manifest. */
export function isDocumentType(mediaType: string): boolean {
  return isIndexType(mediaType) || isManifestType(mediaType)
}

/** Gives a layer's compression, or `undefined` for a media type that is no layer's. */
export function compressionOf(mediaType: string): LayerCompression | undefined {
  return Object.hasOwn(COMPRESSIONS, mediaType) ? COMPRESSIONS[mediaType] : undefined
}
