import { findImage } from '../find-image.ts'
import type { OpenedImage } from '../opened-image.ts'
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
    const found = await findImage(client, reference.digest ?? reference.tag ?? 'latest', formatReference(reference))
    const image = await found.open(options.platform)
    return { ...image, close: () => client.close() }
  } catch (error) {
    await client.close()
    throw error
  }
}
