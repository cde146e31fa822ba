import { digestOf } from '#core'
import { OciError } from '../errors.ts'
import { isIndexType, isManifestType } from '../media-types.ts'
import { type OpenedImage, openFrom } from '../opened-image.ts'
import type { Platform } from '../platform.ts'
import { formatReference, type Reference, type RegistryReference } from '../reference.ts'
import { openDockerArchive } from './open-docker-archive.ts'
import { openLayoutImage, openOciArchive } from './open-layout.ts'
import { RegistryClient } from './registry-client.ts'
import type { RegistryOptions } from './registry-connection.ts'

/** What opening an image may know. */
export interface OpenOptions extends RegistryOptions {
  /** Which image of an index; may be left out where there is only one. */
  readonly platform?: Platform
}

/**
 * Opens an image for reading, wherever the reference says that it is. What is read is verified: documents before they
 * are used, layers while they stream. Rejects with `IMAGE_UNKNOWN`, `DOCUMENT_INVALID`, `BLOB_MISMATCH`,
 * `BLOB_UNKNOWN`, `LAYOUT_INVALID`, `IMAGE_ARCHIVE_INVALID`, or a registry's codes.
 */
export async function openImage(reference: Reference, options: OpenOptions = {}): Promise<OpenedImage> {
  switch (reference.transport) {
    case 'docker':
      return openRegistryImage(reference, options)
    case 'oci':
      return openLayoutImage(reference, options.platform)
    case 'oci-archive':
      return openOciArchive(reference, options.platform)
    case 'docker-archive':
      return openDockerArchive(reference, options.platform)
  }
}

async function openRegistryImage(reference: RegistryReference, options: OpenOptions): Promise<OpenedImage> {
  const client = new RegistryClient(reference, options)
  try {
    const name = formatReference(reference)
    const wanted = reference.digest ?? reference.tag ?? 'latest'
    const { mediaType, bytes } = await readManifest(client, wanted, name)
    const digest = digestOf(bytes)
    if (reference.digest !== undefined && digest !== reference.digest) {
      throw new OciError('BLOB_MISMATCH', `cannot open ${name}: the registry sent a manifest with the digest ${digest}`)
    }
    if (!isIndexType(mediaType) && !isManifestType(mediaType)) {
      throw new OciError('DOCUMENT_INVALID', `cannot open ${name}: it is no image but "${mediaType}"`)
    }
    const store = {
      readManifest: async (descriptor: { digest: string }) =>
        (await readManifest(client, descriptor.digest, name)).bytes,
      blobs: client.blobs(),
      close: () => client.close(),
    }
    const top = { descriptor: { mediaType, digest, size: bytes.length }, bytes }
    return await openFrom(store, top, { name, platform: options.platform })
  } catch (error) {
    await client.close()
    throw error
  }
}

async function readManifest(client: RegistryClient, reference: string, name: string) {
  const found = await client.readManifest(reference)
  if (found) return found
  throw new OciError('IMAGE_UNKNOWN', `cannot open ${name}: the registry has no manifest ${reference}`)
}
