import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  formatRepositoryIndex,
  formatRepositoryManifest,
  type NewDocument,
  parseRepositoryIndex,
  REPOSITORY_INDEX,
  REPOSITORY_MANIFEST,
  type RepositoryPackage,
  repositoryLocation,
  splitByPackage,
  updatePackageDocument,
} from '#vex'
import { UsageError } from './errors.ts'
import { writeWhole } from './print-output.ts'
import { readUpTo } from './read-up-to.ts'

const MAX_FILE = 2 ** 25

/** What an update of a repository did. */
export interface RepositoryUpdate {
  /** Packages whose documents are new, or say something new. */
  readonly changed: number
  /** Packages in the repository. */
  readonly packages: number
}

/**
 * Writes a document into a repository, one file a package (VEX Repository Specification 0.1), new or there already; the index last,
 * so that it never names a file that is not there. With `url`, the place where clients get the archive, the manifest as well. Throws
 * `VEX_INVALID` for a repository that cannot be read, `USAGE_INVALID` for one that cannot be written.
 */
export async function updateVexRepository(
  folder: string,
  document: NewDocument,
  url?: string,
): Promise<RepositoryUpdate> {
  const indexFile = join(folder, REPOSITORY_INDEX)
  const index = await existing(indexFile)
  const known = index === undefined ? [] : parseRepositoryIndex(index, indexFile)
  const packages = new Map(known.map((one) => [one.id, one]))
  const documents = [...splitByPackage(document)].map(([id, own]) => ({ id, own, location: placeOf(id, packages) }))
  let changed = 0
  for (const { id, own, location } of documents) {
    const file = join(folder, location)
    const bytes = await existing(file)
    const text = updatePackageDocument(id, own, bytes && { bytes, name: file })
    packages.set(id, { ...packages.get(id), id, location })
    if (bytes?.equals(Buffer.from(text)) === true) continue
    await write(text, file)
    changed++
  }
  if (changed > 0 || index === undefined) {
    await write(formatRepositoryIndex(packages.values(), document.timestamp), indexFile)
  }
  if (url !== undefined) {
    await write(formatRepositoryManifest({ name: document.author, url }), join(folder, REPOSITORY_MANIFEST))
  }
  return { changed, packages: packages.size }
}

/** Where a package's document stands; an index that has it elsewhere, or in another format, is somebody else's to change. */
function placeOf(id: string, packages: ReadonlyMap<string, RepositoryPackage>): string {
  const location = repositoryLocation(id)
  const known = packages.get(id)
  if (known === undefined || (known.location === location && (known.format ?? 'openvex') === 'openvex')) return location
  const reason = `its index has the package at ${JSON.stringify(known.location)}, as ${known.format ?? 'openvex'}`
  throw new UsageError('USAGE_INVALID', `cannot write VEX of ${id}: ${reason}; want ${location}, as openvex`)
}

async function existing(file: string): Promise<Buffer | undefined> {
  return existsSync(file) ? await readUpTo(file, MAX_FILE) : undefined
}

async function write(text: string, file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true }).catch((cause: unknown) => {
    throw new UsageError('USAGE_INVALID', `cannot make ${dirname(file)}`, { cause })
  })
  await writeWhole(text, file)
}
