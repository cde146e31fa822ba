import type { Descriptor } from './descriptor.ts'
import type { ImageDocument } from './image-source.ts'
import { type ImageIndex, parseIndex } from './index-document.ts'
import { type Manifest, parseManifest } from './manifest.ts'
import { isIndexType } from './media-types.ts'

/** Reads a manifest or an index, whichever its media type says. Throws `DOCUMENT_INVALID`. */
export function parseManifestOrIndex({ descriptor, bytes }: ImageDocument, name?: string): Manifest | ImageIndex {
  const { mediaType, digest } = descriptor
  const called = name ?? `manifest ${digest}`
  return isIndexType(mediaType) ? parseIndex(bytes, called) : parseManifest(bytes, called)
}

/** What a list of referrers says of one: its type of artifact and its annotations (distribution-spec §listing-referrers). */
export function referrerDescriptor(
  { mediaType, digest, size }: Descriptor,
  { annotations, ...read }: Manifest | ImageIndex,
): Descriptor {
  const artifactType = read.artifactType ?? ('config' in read ? read.config.mediaType : undefined)
  const listed = { ...(artifactType === undefined ? {} : { artifactType }), ...(annotations ? { annotations } : {}) }
  return { ...listed, mediaType, digest, size }
}
