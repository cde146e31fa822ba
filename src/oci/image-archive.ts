import { canonicalJson, type Digest, encodeTarEntry, hexOf, TAR_END, tarPadding } from '#core'
import { verified } from './blob-source.ts'
import { OciError } from './errors.ts'
import { documentsOf, type ImageSource, layersOf } from './image-source.ts'
import { blobPath, LAYOUT_FILE, LAYOUT_INDEX, LAYOUT_MARK, tagged } from './layout-format.ts'
import { compressionOf, type LayerCompression } from './media-types.ts'
import { formatPlatform } from './platform.ts'

/** A file of an archive; its bytes are opened only when their turn comes. */
interface ArchiveFile {
  readonly path: string
  readonly size: number
  readonly open: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>
}

/**
 * Gives the bytes of an oci-archive, a tar archive of a layout with this one image: the same bytes for the same image
 * and tag. Every blob is verified; the stream rejects with `BLOB_MISMATCH` or `BLOB_UNKNOWN`.
 */
export function ociArchive(image: ImageSource, tag?: string): AsyncGenerator<Uint8Array> {
  const blobs = [...documentsOf(image).map(documentFile), ...layerFiles(image, ({ digest }) => blobPath(digest))]
  const index = tagged(undefined, image.top.descriptor, tag)
  blobs.sort((left, right) => (left.path < right.path ? -1 : 1))
  return archiveOf([
    memoryFile(LAYOUT_FILE, LAYOUT_MARK),
    memoryFile(LAYOUT_INDEX, index),
    ...['blobs/', 'blobs/sha256/'].map((path) => memoryFile(path, new Uint8Array())),
    ...blobs,
  ])
}

/**
 * Gives the bytes of a docker-archive, as `docker load`, `podman load` and skopeo read it: `manifest.json`, the config
 * and the layers, which stay compressed. `names` (`REPOSITORY:TAG`) are what it is loaded under. Such an archive holds
 * one platform: throws `PLATFORM_INVALID` for an image of several. The stream rejects as that of `ociArchive`.
 */
export function dockerArchive(image: ImageSource, names: readonly string[]): AsyncGenerator<Uint8Array> {
  const [only, ...others] = image.images
  if (!only || others.length > 0) {
    const platforms = image.images.map(({ platform }) => formatPlatform(platform)).join(', ')
    throw new OciError('PLATFORM_INVALID', `cannot write a docker-archive of [${platforms}]: it holds one platform`)
  }
  const pathOf = ({ digest, mediaType }: { digest: Digest; mediaType: string }) =>
    `${hexOf(digest)}.tar${EXTENSIONS[compressionOf(mediaType) ?? 'none']}`
  const config = `${hexOf(only.config.descriptor.digest)}.json`
  const layers = only.layers.map(({ descriptor }) => pathOf(descriptor))
  const manifest = canonicalJson([{ Config: config, RepoTags: names, Layers: layers }])
  return archiveOf([
    memoryFile('manifest.json', new TextEncoder().encode(manifest)),
    memoryFile(config, only.config.bytes),
    ...layerFiles(image, pathOf),
  ])
}

const EXTENSIONS: Readonly<Record<LayerCompression, string>> = { none: '', gzip: '.gz', zstd: '.zst' }

function documentFile({ descriptor, bytes }: { descriptor: { digest: Digest }; bytes: Uint8Array }): ArchiveFile {
  return memoryFile(blobPath(descriptor.digest), bytes)
}

function memoryFile(path: string, bytes: Uint8Array): ArchiveFile {
  return { path, size: bytes.length, open: () => [bytes] }
}

function layerFiles(
  image: ImageSource,
  pathOf: (layer: { digest: Digest; mediaType: string }) => string,
): ArchiveFile[] {
  return layersOf(image.images).map((layer) => ({
    path: pathOf(layer),
    size: layer.size,
    open: () => verified(layer, image.blobs.open(layer.digest)),
  }))
}

async function* archiveOf(files: readonly ArchiveFile[]): AsyncGenerator<Uint8Array> {
  for (const { path, size, open } of files) {
    const directory = path.endsWith('/')
    const type = directory ? 'directory' : 'file'
    yield encodeTarEntry({ path, type, size, mode: directory ? 0o755 : 0o644, uid: 0, gid: 0, mtime: 0 })
    yield* open()
    yield new Uint8Array(tarPadding(size))
  }
  yield TAR_END
}
