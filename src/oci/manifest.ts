import { canonicalJson } from '#core'
import type { Annotations } from './annotations.ts'
import { type Descriptor, descriptorJson, readDescriptor } from './descriptor.ts'
import { OciError } from './errors.ts'
import { type JsonObject, parseDocument } from './json-document.ts'
import { isManifestType, MEDIA_TYPES } from './media-types.ts'

/** One image for one platform: its config and its layers, lowest first (image-spec §manifest). */
export interface Manifest {
  readonly mediaType: string
  readonly artifactType?: string
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  readonly subject?: Descriptor
  readonly annotations?: Annotations
}

/**
 * Reads a manifest. `name` is what messages call it. Unknown members are tolerated. Throws `DOCUMENT_INVALID`, also for
 * a document that could be taken for an index as well (CVE-2021-41190).
 */
export function parseManifest(bytes: Uint8Array, name = 'image manifest'): Manifest {
  const object = parseDocument(bytes, name)
  const mediaType = readDocumentType(object, MEDIA_TYPES.manifest)
  if (!isManifestType(mediaType) || object.has('manifests')) {
    throw new OciError('DOCUMENT_INVALID', `cannot read ${name}: it is no image manifest but ${kindOf(object)}`)
  }
  const subject = object.optionalObject('subject')
  const annotations = object.optionalTextMap('annotations')
  const artifactType = object.optionalText('artifactType')
  return {
    mediaType,
    ...(artifactType === undefined ? {} : { artifactType }),
    config: readDescriptor(object.object('config')),
    layers: object.objects('layers').map(readDescriptor),
    ...(subject ? { subject: readDescriptor(subject) } : {}),
    ...(annotations ? { annotations } : {}),
  }
}

/** Writes a manifest: the same bytes for the same value. */
export function formatManifest(manifest: Manifest): Uint8Array {
  const { config, layers, subject, ...rest } = manifest
  const members = {
    ...rest,
    schemaVersion: 2,
    config: descriptorJson(config),
    layers: layers.map(descriptorJson),
    subject: subject && descriptorJson(subject),
  }
  return new TextEncoder().encode(canonicalJson(members))
}

/** Checks `schemaVersion` and gives the document's `mediaType`, or `usual` where it has none. Throws `DOCUMENT_INVALID`. */
export function readDocumentType(object: JsonObject, usual: string): string {
  if (object.size('schemaVersion') !== 2) {
    throw new OciError('DOCUMENT_INVALID', `cannot read ${object.place}: its schemaVersion is not 2`)
  }
  return object.optionalText('mediaType') ?? usual
}

function kindOf(object: JsonObject): string {
  if (object.has('layers') && object.has('manifests')) return 'a document with both "layers" and "manifests"'
  return object.has('manifests') ? 'an index' : `of type ${object.optionalText('mediaType')}`
}
