import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { messageOf, parseYaml, visibleText } from '#core'
import { type FactoryStore, imagesNamedIn, type Moment, type NamedImage } from '#factory'
import { IntegrationError } from '../errors.ts'
import { type RecordedSightings, recordSightings } from './record-sightings.ts'

/** An image that a manifest names. */
export interface ManifestImage {
  /** The file, from the folder. */
  readonly file: string
  readonly image: NamedImage
}

/** The images of a folder of manifests, as far as they can be read. */
export interface ManifestImages {
  readonly images: readonly ManifestImage[]
  /** Files that are not what their name says, each with why, such as the templates of a chart. */
  readonly skipped: readonly string[]
}

const LIMITS = { files: 20_000, bytes: 4 << 20, depth: 16 }

/** What a look at manifests gave. */
export interface ManifestLook extends RecordedSightings {
  /** Images that are named by a tag only: which digest runs is not known. */
  readonly undetermined: readonly string[]
}

/**
 * Finds the images that the YAML and JSON files below a folder name: Kubernetes, Kustomize, Helm values, Compose. Rejects with `INVENTORY_INVALID` for
 * a folder that cannot be read, or holds more than is read.
 */
export async function readManifests(folder: string): Promise<ManifestImages> {
  const images: ManifestImage[] = []
  const skipped: string[] = []
  for (const path of await manifestFiles(folder)) {
    const file = visibleText(relative(folder, path))
    const { size } = await stat(path)
    if (size > LIMITS.bytes) {
      skipped.push(`${file}: it has ${size} bytes`)
      continue
    }
    for (const document of documentsOf(await readFile(path, 'utf8'))) {
      if (typeof document === 'string') skipped.push(`${file}: ${document}`)
      else images.push(...imagesNamedIn(document.value).map((image) => ({ file, image })))
    }
  }
  return { images, skipped }
}

/** Records which releases run, by what manifests name by digest as of a moment. Rejects as the store does. */
export async function recordDeclared(
  store: FactoryStore,
  images: readonly ManifestImage[],
  at: Moment,
): Promise<ManifestLook> {
  const digests = images.flatMap(({ image }) => image.digest ?? [])
  const undetermined = images.filter(({ image }) => image.digest === undefined).map(nameOf)
  return { ...(await recordSightings(store, 'running', digests, at)), undetermined: [...new Set(undetermined)].sort() }
}

function nameOf({ image: { repository, tag } }: ManifestImage): string {
  return tag === undefined ? repository : `${repository}:${tag}`
}

/** Each document of a file, or why it cannot be read. Documents are separated by hand, so that one that is broken keeps none from being read. */
function documentsOf(text: string): readonly ({ readonly value: unknown } | string)[] {
  return text.split(/^---(?:[ \t].*)?$/m).flatMap((part): readonly ({ readonly value: unknown } | string)[] => {
    if (part.trim() === '') return []
    const document = parseYaml(part)
    if ('value' in document) return [{ value: document.value }]
    return [document[0] === undefined ? 'it cannot be read' : visibleText(document[0].message)]
  })
}

async function manifestFiles(folder: string): Promise<readonly string[]> {
  const invalid = (reason: string, cause?: unknown) =>
    new IntegrationError('INVENTORY_INVALID', `cannot read the manifests in ${folder}: ${reason}`, { cause })
  const files: string[] = []
  const waiting = [{ path: folder, depth: 0 }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { path, depth } = next
    if (depth > LIMITS.depth) throw invalid(`it is more than ${LIMITS.depth} folders deep`)
    const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
      throw invalid(messageOf(cause), cause)
    })
    for (const entry of entries) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
      if (entry.isDirectory()) waiting.push({ path: join(path, entry.name), depth: depth + 1 })
      else if (entry.isFile() && /\.(?:ya?ml|json)$/.test(entry.name)) files.push(join(path, entry.name))
      if (files.length > LIMITS.files) throw invalid(`it has more than ${LIMITS.files} manifests`)
    }
  }
  return files.sort()
}
