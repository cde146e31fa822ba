export { ANNOTATIONS, type Annotations } from './annotations.ts'
export { type BlobSource, readBlob, verified } from './blob-source.ts'
export { type ExecutionParameters, formatConfig, type HistoryEntry, type ImageConfig, parseConfig } from './config.ts'
export { type Descriptor, describe } from './descriptor.ts'
export { OciError, type OciErrorCode } from './errors.ts'
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
export { writeLayout } from './io/layout.ts'
export { type FileSegment, type SegmentedBlob, segmentBlobs } from './io/segment-blobs.ts'
export { formatManifest, type Manifest, parseManifest } from './manifest.ts'
export { compressionOf, type LayerCompression, MEDIA_TYPES } from './media-types.ts'
export {
  debianArchitectureOf,
  formatPlatform,
  type Platform,
  parsePlatform,
  platformOfDebian,
  samePlatform,
} from './platform.ts'
