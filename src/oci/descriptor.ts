import { type Digest, digestOf, type Json, parseDigest } from '#core'
import type { Annotations } from './annotations.ts'
import { OciError } from './errors.ts'
import type { JsonObject } from './json-document.ts'
import { type Platform, platformJson, readPlatform } from './platform.ts'

/** Names content by what it is: type, digest, size in bytes (image-spec §descriptor). */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly urls?: readonly string[]
  readonly annotations?: Annotations
  readonly artifactType?: string
  readonly platform?: Platform
}

/** Gives the descriptor of bytes. */
export function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length }
}

/**
 * Reads a descriptor. Throws `DOCUMENT_INVALID`, also for a digest of another algorithm than SHA-256. Embedded `data`
 * is left alone: content is always read by its digest.
 */
export function readDescriptor(object: JsonObject): Descriptor {
  const mediaType = object.text('mediaType')
  if (!/^[a-z0-9][\w!#$&^.+-]*\/[a-z0-9][\w!#$&^.+-]*$/i.test(mediaType)) {
    throw new OciError('DOCUMENT_INVALID', `cannot read ${object.place}: "${mediaType}" is no media type (RFC 6838)`)
  }
  const annotations = object.optionalTextMap('annotations')
  const artifactType = object.optionalText('artifactType')
  const platform = object.optionalObject('platform')
  const urls = object.optionalTexts('urls')
  return {
    mediaType,
    digest: readDigest(object.text('digest'), object.place),
    size: object.size('size'),
    ...(urls ? { urls } : {}),
    ...(annotations ? { annotations } : {}),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(platform ? { platform: readPlatform(platform) } : {}),
  }
}

/** Reads a digest that stands in a document at `place`. Throws `DOCUMENT_INVALID`. */
export function readDigest(text: string, place: string): Digest {
  try {
    return parseDigest(text)
  } catch (cause) {
    throw new OciError('DOCUMENT_INVALID', `cannot read ${place}: "${text}" is no SHA-256 digest`, { cause })
  }
}

/** The descriptor as it stands in documents. */
export function descriptorJson(descriptor: Descriptor): Json {
  const { platform, ...rest } = descriptor
  return { ...rest, platform: platform && platformJson(platform) }
}
