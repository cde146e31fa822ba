import { dockerArchive, ociArchive } from '../image-archive.ts'
import type { ImageSource } from '../image-source.ts'
import type { DockerArchiveReference, LayoutReference, OciArchiveReference } from '../reference.ts'
import { writeFileAtomically } from './atomic-file.ts'
import { writeLayout } from './layout.ts'

/**
 * Writes an image to where a reference says, verified and seen whole or not at all: into a layout's folder, or as an
 * archive, which replaces the file. Rejects with `LAYOUT_INVALID`, `PLATFORM_INVALID`, `OUTPUT_FAILED`, and as the
 * image's blobs do. `pushImage` is the counterpart for registries.
 */
export async function writeImage(
  image: ImageSource,
  reference: LayoutReference | OciArchiveReference | DockerArchiveReference,
): Promise<void> {
  switch (reference.transport) {
    case 'oci':
      return writeLayout(reference.directory, image, reference.tag)
    case 'oci-archive':
      return writeFileAtomically(reference.file, ociArchive(image, reference.tag))
    case 'docker-archive': {
      const names = reference.name === undefined ? [] : [reference.name]
      return writeFileAtomically(reference.file, dockerArchive(image, names))
    }
  }
}
