import type { Annotations } from './annotations.ts'
import { type Descriptor, describe } from './descriptor.ts'
import type { ImageDocument } from './image-source.ts'
import { formatManifest } from './manifest.ts'
import { MEDIA_TYPES } from './media-types.ts'

/** The content of the empty config (image-spec §guidance-for-an-empty-descriptor). */
const EMPTY = new TextEncoder().encode('{}')

/** What an artifact is made from. */
export interface ArtifactInput {
  readonly artifactType: string
  /** The one thing that it holds. */
  readonly content: { readonly mediaType: string; readonly bytes: Uint8Array }
  /** The manifest that it is about: the artifact is one of its referrers. */
  readonly subject: Descriptor
  readonly annotations?: Annotations
}

/** A manifest with the blobs that belong to it, all in memory. */
export interface Artifact {
  readonly manifest: ImageDocument
  readonly blobs: readonly ImageDocument[]
}

/** Makes the manifest of an artifact that refers to a subject (image-spec §manifest, "artifact usage"); the same bytes for the same input. */
export function composeArtifact({ artifactType, content, subject, annotations }: ArtifactInput): Artifact {
  const config = { descriptor: describe(MEDIA_TYPES.empty, EMPTY), bytes: EMPTY }
  const blob = { descriptor: describe(content.mediaType, content.bytes), bytes: content.bytes }
  const { mediaType, digest, size } = subject
  const bytes = formatManifest({
    mediaType: MEDIA_TYPES.manifest,
    artifactType,
    config: config.descriptor,
    layers: [blob.descriptor],
    subject: { mediaType, digest, size },
    ...(annotations ? { annotations } : {}),
  })
  const manifest = { ...describe(MEDIA_TYPES.manifest, bytes), artifactType, ...(annotations ? { annotations } : {}) }
  return { manifest: { descriptor: manifest, bytes }, blobs: [config, blob] }
}
