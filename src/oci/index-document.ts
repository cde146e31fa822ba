import { canonicalJson } from '#core'
import type { Annotations } from './annotations.ts'
import { type Descriptor, descriptorJson, readDescriptor } from './descriptor.ts'
import { OciError } from './errors.ts'
import { parseDocument } from './json-document.ts'
import { readDocumentType } from './manifest.ts'
import { isIndexType, MEDIA_TYPES } from './media-types.ts'

/** A list of manifests, usually one a platform (image-spec §image-index). */
export interface ImageIndex {
  readonly mediaType: string
  readonly artifactType?: string
  readonly manifests: readonly Descriptor[]
  readonly subject?: Descriptor
  readonly annotations?: Annotations
}

/**
 * Reads an index, also the `index.json` of a layout. `name` is what messages call it. Unknown members are tolerated.
 * Throws `DOCUMENT_INVALID`, also for a document that could be taken for a manifest as well (CVE-2021-41190).
 */
export function parseIndex(bytes: Uint8Array, name = 'image index'): ImageIndex {
  const object = parseDocument(bytes, name)
  const mediaType = readDocumentType(object, MEDIA_TYPES.index)
  if (!isIndexType(mediaType) || object.has('layers') || object.has('config')) {
    throw new OciError('DOCUMENT_INVALID', `cannot read ${name}: it is no index, or has a manifest's members as well`)
  }
  const subject = object.optionalObject('subject')
  const annotations = object.optionalTextMap('annotations')
  const artifactType = object.optionalText('artifactType')
  return {
    mediaType,
    ...(artifactType === undefined ? {} : { artifactType }),
    manifests: object.objects('manifests').map(readDescriptor),
    ...(subject ? { subject: readDescriptor(subject) } : {}),
    ...(annotations ? { annotations } : {}),
  }
}

/** Writes an index: the same bytes for the same value, manifests in the order given. */
export function formatIndex(index: ImageIndex): Uint8Array {
  const { manifests, subject, ...rest } = index
  const members = {
    ...rest,
    schemaVersion: 2,
    manifests: manifests.map(descriptorJson),
    subject: subject && descriptorJson(subject),
  }
  return new TextEncoder().encode(canonicalJson(members))
}
