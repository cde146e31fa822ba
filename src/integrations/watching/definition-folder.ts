import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative } from 'node:path'
import { CasemateError, canonicalJson, type Digest, digestOf, messageOf } from '#core'
import type { DefinedImages, DefinitionFiles } from '#factory'
import {
  catalogueFolder,
  DEFINITION_FILE,
  type DefinitionPlaces,
  definitionMembers,
  type OpenedDefinition,
  openDefinition,
} from '#image'
import { IntegrationError } from '../errors.ts'

/** The definitions of a folder, as far as they can be read. */
export interface ReadDefinitions {
  readonly images: DefinedImages
  /** Where definitions are that cannot be read, from the folder, each with why. */
  readonly broken: ReadonlyMap<string, string>
}

/** More than this is no folder of definitions. */
const LIMITS = { entries: 200_000, depth: 16 }

/**
 * Gives a text that is another one whenever a file below a folder may be: made of names, sizes, times and numbers of files, not of what
 * is in them. Rejects with `FOLDER_INVALID`.
 */
export async function folderFingerprint(folder: string): Promise<Digest> {
  const lines: string[] = []
  for await (const { path, entry } of entriesOf(folder)) {
    const { size, mtimeNs, ctimeNs, ino, mode } = await lstat(path, { bigint: true }).catch((cause: unknown) => {
      throw unreadable(folder, cause)
    })
    // The time and size of a folder change with what is in it, which is looked at anyway.
    lines.push(entry.isDirectory() ? path : [path, size, mtimeNs, ctimeNs, ino, mode].join('\0'))
  }
  return digestOf(lines.sort().join('\n'))
}

/** Finds the definitions below a folder: from the folder, those of it first. Rejects with `FOLDER_INVALID`. */
export async function findDefinitions(folder: string): Promise<readonly string[]> {
  const found: string[] = []
  for await (const { path, entry } of entriesOf(folder)) {
    if (entry.name === DEFINITION_FILE && !entry.isDirectory()) found.push(relative(folder, dirname(path)) || '.')
  }
  return found.sort()
}

/**
 * Reads every definition below a folder with what it extends. One that cannot be read keeps none of the others from being read, nor do
 * two of the same image: the second is broken. Rejects with `FOLDER_INVALID`.
 */
export async function readDefinitions(folder: string): Promise<ReadDefinitions> {
  const images = new Map<string, DefinitionFiles>()
  const broken = new Map<string, string>()
  const places = { workingFolder: folder }
  for (const definition of await findDefinitions(folder)) {
    try {
      for (const reference of await definitionMembers(`./${definition}`, places)) {
        const [image, files] = await readDefinition(reference, definition, places)
        const other = images.get(image)?.definition
        if (other !== undefined && other !== definition) throw twice(image, definition, other)
        images.set(
          image,
          other === undefined ? files : { ...files, files: { ...images.get(image)?.files, ...files.files } },
        )
      }
    } catch (error) {
      if (!(error instanceof CasemateError)) throw error
      broken.set(definition, error.message)
    }
  }
  return { images, broken }
}

async function readDefinition(
  reference: string,
  definition: string,
  places: DefinitionPlaces,
): Promise<readonly [string, DefinitionFiles]> {
  const opened = await openDefinition(reference, places)
  return [opened.definition.image, { definition, files: ownFiles(opened, places.workingFolder) }]
}

/** The digests of everything that the definition and what it extends are made of: what it stacks on is an image of its own. */
function ownFiles({ sources, base }: OpenedDefinition, folder: string): Readonly<Record<string, Digest>> {
  const files: Record<string, Digest> = {}
  for (const { file, bytes, files: referred, folders } of sources.slice(base?.opened.sources.length ?? 0)) {
    files[placeOf(file, folder)] = digestOf(bytes)
    for (const [path, content] of referred) files[placeOf(join(dirname(file), path), folder)] = digestOf(content)
    for (const [path, entries] of folders ?? []) {
      const listed = entries.map((entry) => ({ ...entry }))
      files[`${placeOf(join(dirname(file), path), folder)}/`] = digestOf(canonicalJson(listed))
    }
  }
  return files
}

/** From the folder; a file of the catalogue from there. */
function placeOf(file: string, folder: string): string {
  const inside = relative(folder, file)
  if (!inside.startsWith('..') && !isAbsolute(inside)) return inside
  const shipped = relative(catalogueFolder(), file)
  return shipped.startsWith('..') ? file : `catalogue/${shipped}`
}

/** Everything below a folder; hidden entries and installed packages are nobody's definitions. Links are not followed. */
async function* entriesOf(folder: string): AsyncGenerator<{ path: string; entry: Dirent }> {
  const waiting = [{ path: folder, depth: 0 }]
  let count = 0
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { path, depth } = next
    const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
      throw unreadable(folder, cause)
    })
    for (const entry of entries) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
      if (++count > LIMITS.entries) throw invalid(folder, `it has more than ${LIMITS.entries} entries`)
      const place = join(path, entry.name)
      yield { path: place, entry }
      if (!entry.isDirectory()) continue
      if (depth === LIMITS.depth) throw invalid(folder, `it is more than ${LIMITS.depth} folders deep`)
      waiting.push({ path: place, depth: depth + 1 })
    }
  }
}

function twice(image: string, definition: string, other: string): IntegrationError {
  return new IntegrationError(
    'FOLDER_INVALID',
    `cannot take the definition ${definition}: ${other} defines the image ${image} as well`,
  )
}

function unreadable(folder: string, cause: unknown): IntegrationError {
  return new IntegrationError('FOLDER_INVALID', `cannot read the definitions in ${folder}: ${messageOf(cause)}`, {
    cause,
  })
}

function invalid(folder: string, reason: string): IntegrationError {
  return new IntegrationError('FOLDER_INVALID', `cannot read the definitions in ${folder}: ${reason}`)
}
