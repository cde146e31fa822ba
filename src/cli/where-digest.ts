import { type Digest, messageOf, parseDigest } from '#core'
import { isSystemFile } from '#debian'
import { type ImageFiles, type OpenedImage, openImage, parsePlatform, parseReference, readImageFiles } from '#oci'
import { UsageError } from './errors.ts'
import { ownersOf } from './image-state.ts'
import { sbomFile } from './scanned-inventory.ts'
import type { Question } from './where-question.ts'

/** What of an image has a digest. */
interface Place {
  readonly is: 'manifest' | 'index' | 'config' | 'layer' | 'diff-id' | 'file'
  /** Of `layer` and `diff-id`: which, the lowest is 1. */
  readonly layer: number | null
  /** Of a file, by its name in the image. */
  readonly path: string | null
  /** The Debian package that has the file. */
  readonly package: string | null
}

/** Gives the digest that is asked for, also without its algorithm, as sha256sum(1) prints it; `undefined` for what is none. */
export function parseAskedDigest(text: string): Digest | undefined {
  if (!/^sha[0-9]+:/.test(text) && !/^[0-9a-f]{64}$/.test(text)) return undefined
  try {
    return parseDigest(text.includes(':') ? text : `sha256:${text}`)
  } catch (cause) {
    throw new UsageError('USAGE_INVALID', `cannot look for "${text}": ${messageOf(cause)}`, { cause })
  }
}

/**
 * Asks which images have a manifest, config, layer or visible file with a digest. Files are read only where nothing of the
 * image itself has it.
 */
export function digestQuestion(digest: Digest, platform: string): Question {
  return {
    kind: 'digest',
    what: digest,
    head: ['is', 'package', 'path'],
    nothing: { places: [] },
    async ask(reference) {
      if (sbomFile(reference) !== undefined) {
        const reason = 'it is an SBOM, which does not list files: want the image'
        throw new UsageError('USAGE_INVALID', `cannot look for a digest in ${reference}: ${reason}`)
      }
      const image = await openImage(parseReference(reference), { platform: parsePlatform(platform) })
      try {
        const own = placesInImage(image, digest)
        const places = own.length > 0 ? own : await placesInFiles(image, digest)
        const rows = places.map(({ is, layer, path, package: owner }) => [
          layer === null ? is : `${is} of layer ${layer} of ${image.layers.length}`.replace(/^layer of /, ''),
          owner ?? '',
          path ?? '',
        ])
        const { digest: manifest } = image.manifestDocument.descriptor
        return { digest: manifest, has: places.length > 0, rows, found: { places }, faults: [] }
      } finally {
        await image.close()
      }
    },
    close() {},
  }
}

function placesInImage(
  { top, manifestDocument, configDocument, layers }: OpenedImage,
  digest: Digest,
): readonly Place[] {
  const place = (is: Place['is'], layer: number | null = null): Place => ({ is, layer, path: null, package: null })
  const documents = [
    { place: place('manifest'), descriptor: manifestDocument.descriptor },
    ...(top.descriptor.digest === manifestDocument.descriptor.digest
      ? []
      : [{ place: place('index'), descriptor: top.descriptor }]),
    { place: place('config'), descriptor: configDocument.descriptor },
  ]
  return [
    ...documents.filter(({ descriptor }) => descriptor.digest === digest).map((one) => one.place),
    ...layers.flatMap(({ descriptor, diffId }, index) => {
      if (descriptor.digest === digest) return [place('layer', index + 1)]
      return diffId === digest ? [place('diff-id', index + 1)] : []
    }),
  ]
}

async function placesInFiles(image: OpenedImage, digest: Digest): Promise<readonly Place[]> {
  const wants = ({ path }: { path: string }) => isSystemFile(path)
  const files: ImageFiles = await readImageFiles(image.layers, { wants, hashes: true })
  const found = [...files.entries()].filter((file) => file.digest === digest).map(({ path }) => path)
  if (found.length === 0) return []
  const owners = ownersOf(files)
  return found.sort().map((path) => ({ is: 'file', layer: null, path, package: owners.get(path) ?? null }))
}
