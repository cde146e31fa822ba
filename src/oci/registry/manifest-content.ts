import type { Annotations } from '../annotations.ts'
import { OciError } from '../errors.ts'
import { type JsonObject, parseDocument } from '../json-document.ts'
import { isIndexType, isManifestType } from '../media-types.ts'
import { type ContentDigest, readContentDigest } from './content-digest.ts'
import { Refusal } from './refusal.ts'

/** What a registry needs to know of a manifest or index: what it refers to, and what it is listed by. */
export interface ManifestContent {
  readonly mediaType: string
  /** Blobs that the repository must have. */
  readonly blobs: readonly ContentDigest[]
  /** Manifests that the repository must have. */
  readonly manifests: readonly ContentDigest[]
  readonly subject?: ContentDigest
  /** Its `artifactType`, or for a manifest without one the media type of its config (distribution-spec §listing-referrers). */
  readonly artifactType?: string
  readonly annotations?: Annotations
}

const MEDIA_TYPE = /^[a-z0-9][\w!#$&^.+-]*\/[a-z0-9][\w!#$&^.+-]*$/i

/** Layers that live elsewhere: image-spec §non-distributable-layers, and Docker's foreign layers. */
const NOT_DISTRIBUTED = /^application\/vnd\.(?:oci\.image\.layer\.nondistributable\.|docker\.image\.rootfs\.foreign\.)/

/**
 * Reads a manifest or index that a client wants stored. Throws a `Refusal` with `MANIFEST_INVALID` for a document that
 * two readers could understand differently (CVE-2021-41190), that is of no known type, or whose type is not the one of
 * the request's Content-Type.
 */
export function readManifestContent(bytes: Uint8Array, contentType: string | undefined): ManifestContent {
  try {
    return read(parseDocument(bytes, 'manifest'), contentType?.split(';')[0]?.trim().toLowerCase() ?? '')
  } catch (error) {
    if (error instanceof Refusal || !(error instanceof OciError)) throw error
    throw new Refusal('MANIFEST_INVALID', error.message, { cause: error })
  }
}

function read(document: JsonObject, contentType: string): ManifestContent {
  const stated = document.optionalText('mediaType')
  const mediaType = stated ?? contentType
  if (!isIndexType(mediaType) && !isManifestType(mediaType))
    throw invalid(`its media type ${shown(mediaType)} is not supported`)
  if (contentType !== '' && contentType !== mediaType) {
    throw invalid(`its media type is ${mediaType}, the request's Content-Type ${shown(contentType)}`)
  }
  if (document.size('schemaVersion') !== 2) throw invalid('its schemaVersion is not 2')
  const subject = document.optionalObject('subject')
  const annotations = document.optionalTextMap('annotations')
  const common = {
    mediaType,
    ...(subject === undefined ? {} : { subject: digestIn(subject) }),
    ...(annotations === undefined ? {} : { annotations }),
  }
  const parts = isIndexType(mediaType) ? readIndex(document) : readManifest(document)
  const artifactType = document.optionalText('artifactType') || parts.configType
  const { blobs, manifests } = parts
  return { ...common, blobs, manifests, ...(artifactType === undefined ? {} : { artifactType }) }
}

interface Parts {
  readonly blobs: readonly ContentDigest[]
  readonly manifests: readonly ContentDigest[]
  readonly configType?: string
}

function readManifest(document: JsonObject): Parts {
  if (document.has('manifests')) throw invalid('it has "manifests" as an index has')
  const config = document.object('config')
  const layers = document.objects('layers').filter((layer) => !NOT_DISTRIBUTED.test(typeIn(layer)))
  const blobs = [...new Set([config, ...layers].map(digestIn))]
  return { blobs, manifests: [], configType: typeIn(config) }
}

function readIndex(document: JsonObject): Parts {
  if (document.has('layers') || document.has('config')) throw invalid('it has "layers" or "config" as a manifest has')
  const blobs = new Set<ContentDigest>()
  const manifests = new Set<ContentDigest>()
  for (const child of document.objects('manifests')) {
    const type = typeIn(child)
    // An index may list other things, as caches of builders do.
    if (isIndexType(type) || isManifestType(type)) manifests.add(digestIn(child))
    else blobs.add(digestIn(child))
  }
  return { blobs: [...blobs], manifests: [...manifests] }
}

function digestIn(descriptor: JsonObject): ContentDigest {
  typeIn(descriptor)
  descriptor.size('size')
  const digest = readContentDigest(descriptor.text('digest'))
  if (digest === undefined) throw invalid(`${descriptor.place}.digest is no sha256 or sha512 digest`)
  return digest
}

function typeIn(descriptor: JsonObject): string {
  const mediaType = descriptor.text('mediaType')
  if (!MEDIA_TYPE.test(mediaType)) throw invalid(`${descriptor.place}.mediaType is no media type`)
  return mediaType
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}

function invalid(reason: string): Refusal {
  return new Refusal('MANIFEST_INVALID', `cannot store the manifest: ${reason}`)
}
