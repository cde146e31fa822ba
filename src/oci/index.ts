export { ANNOTATIONS, type Annotations } from './annotations.ts'
export { type Artifact, type ArtifactInput, composeArtifact } from './artifact.ts'
export { type BlobSource, readBlob, verified } from './blob-source.ts'
export {
  type ExecutionParameters,
  environmentVariable,
  formatConfig,
  type HistoryEntry,
  type ImageConfig,
  parseConfig,
} from './config.ts'
export { type Descriptor, describe } from './descriptor.ts'
export { OciError, type OciErrorCode } from './errors.ts'
export type { KnownEntry } from './file-collector.ts'
export { type FoundImage, findImage } from './find-image.ts'
export { firstDifference, type ImageDifference } from './first-difference.ts'
export { dockerArchive, ociArchive } from './image-archive.ts'
export { type ImageFile, ImageFiles, type ReadFilesOptions } from './image-files.ts'
export {
  composeImage,
  composeIndex,
  documentsOf,
  type ImageDocument,
  type ImageSource,
  type Layer,
  layersOf,
  type PlatformImage,
  type PlatformImageInput,
} from './image-source.ts'
export { formatIndex, type ImageIndex, parseIndex } from './index-document.ts'
export { readAuthorities } from './io/authorities.ts'
export { checkLogin, type Login, removeLogin, storeLogin } from './io/credential-store.ts'
export { type Credentials, credentialFiles, findCredentials } from './io/credentials.ts'
export { writeLayout } from './io/layout.ts'
export { LayoutRepository } from './io/layout-repository.ts'
export { type Engine, type LoadReport, loadImage } from './io/load.ts'
export { type OpenOptions, openImage } from './io/open-image.ts'
export { type FindBlob, openStoredImage } from './io/open-stored.ts'
export { type PushOptions, type PushReport, pushImage } from './io/push.ts'
export { RegistryClient } from './io/registry-client.ts'
export type { RegistryOptions } from './io/registry-connection.ts'
export { type FileSegment, type SegmentedBlob, segmentBlobs } from './io/segment-blobs.ts'
export { type ContentsOf, type StoreReport, storeContents } from './io/store-contents.ts'
export { writeImage } from './io/write-image.ts'
export { layerBlobs } from './layer-blobs.ts'
export {
  composeLayerContent,
  type LayerContent,
  type LayerPiece,
  mergeLayers,
  readImageFiles,
  readLayerContent,
} from './layer-content.ts'
export { layoutTag } from './layout-format.ts'
export { formatManifest, type Manifest, parseManifest } from './manifest.ts'
export { compressionOf, isIndexType, type LayerCompression, MEDIA_TYPES } from './media-types.ts'
export { memoryBlobs } from './memory-blobs.ts'
export { type OpenedImage, type OpenedLayer, openSource } from './opened-image.ts'
export {
  debianArchitectureOf,
  formatPlatform,
  type Platform,
  parsePlatform,
  platformOfDebian,
  samePlatform,
} from './platform.ts'
export {
  type DockerArchiveReference,
  formatReference,
  isRegistry,
  isTag,
  type LayoutReference,
  type OciArchiveReference,
  parseReference,
  type Reference,
  type RegistryReference,
} from './reference.ts'
export { parseManifestOrIndex, referrerDescriptor } from './referrer.ts'
export type { ContentDigest } from './registry/content-digest.ts'
export { CONTENTS_LIMITS } from './registry/contents.ts'
export type { MoveOutcome, RepositoryTagMove, TagMove, TagStore } from './registry/tag-store.ts'
export { type BlobOutcome, isEvidenceTag, MAX_REFERRERS, type Repository, referrersTag } from './repository.ts'
export type { PlacedManifest, RepositoryContents } from './repository-contents.ts'
