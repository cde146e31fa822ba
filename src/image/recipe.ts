import { posix } from 'node:path'
import { type Digest, digestOf, faultsOf, formatFault, type Json, type Shape } from '#core'
import { ImageError } from './errors.ts'
import type { DefinitionSource } from './io/definition-files.ts'
import { formatLock } from './lock/format-lock.ts'
import type { Lock } from './lock/lock.ts'
import type { LayerCodec } from './member.ts'

/** What an image was built from: all that building it again needs but the .debs, which its lock names. */
export interface Recipe {
  readonly image: string
  readonly variant: string
  readonly codec: LayerCodec
  /** The definition's own file among `files`. */
  readonly definition: string
  /**
   * Definitions with what they refer to and their archives, by relative path: below `catalogue/` those of the catalogue, below
   * `definition/` all others.
   */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** The lock as a lock file has it. */
  readonly lock: string
}

/** What a recipe is made of, as a build knows it. */
export interface RecipeInput {
  readonly image: string
  readonly variant: string
  readonly codec: LayerCodec
  readonly lock: Lock
  /** The extended definitions first, the definition itself last. */
  readonly sources: readonly DefinitionSource[]
  /** The catalogue's folder. */
  readonly catalogue: string
  /** Files of archives that do not ship with Casemate, with their keys, by absolute path. */
  readonly archives: ReadonlyMap<string, Uint8Array>
}

const path: Shape = {
  type: 'string',
  pattern: '^(catalogue|definition)/[^\\0]+$',
  title: 'a path below catalogue/ or definition/',
}
const shape: Shape = {
  type: 'object',
  title: 'a recipe',
  properties: {
    image: { type: 'string' },
    variant: { type: 'string' },
    codec: { type: 'string', enum: ['gzip', 'zstd'] },
    definition: path,
    lock: { type: 'string' },
    files: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          path,
          content: { type: 'string' },
          encoding: { type: 'string', enum: ['utf-8', 'base64'] },
        },
        required: ['path', 'content', 'encoding'],
      },
    },
  },
  required: ['image', 'variant', 'codec', 'definition', 'lock', 'files'],
}

interface RecipeJson extends Omit<Recipe, 'files'> {
  readonly files: readonly { readonly path: string; readonly content: string; readonly encoding: 'utf-8' | 'base64' }[]
}

/** Makes the recipe of an image. Nothing in it tells where on which machine the files were. */
export function recipeOf({ image, variant, codec, lock, sources, catalogue, archives }: RecipeInput): Recipe {
  const outside = [...sources.map(({ file }) => file), ...archives.keys()].filter((file) => !isBelow(file, catalogue))
  const root = commonFolder(outside)
  const place = (file: string) =>
    isBelow(file, catalogue)
      ? `catalogue/${posix.relative(catalogue, file)}`
      : `definition/${posix.relative(root, file)}`
  const files = new Map<string, Uint8Array>()
  for (const { file, bytes, files: referred } of sources) {
    files.set(place(file), bytes)
    for (const [name, content] of referred) files.set(posix.join(posix.dirname(place(file)), name), content)
  }
  for (const [file, bytes] of archives) files.set(place(file), bytes)
  return { image, variant, codec, definition: place(sources.at(-1)?.file ?? ''), files, lock: formatLock(lock) }
}

/** The digests of a recipe's files and of its lock, by name: what provenance lists of them. */
export function recipeDigests({ files, lock }: Recipe): ReadonlyMap<string, Digest> {
  const digests = [...files].sort(([left], [right]) => (left < right ? -1 : 1))
  return new Map([
    ...digests.map(([name, bytes]) => [name, digestOf(bytes)] as const),
    ['casemate.lock', digestOf(Buffer.from(lock))],
  ])
}

/** A recipe as the predicate of a statement. */
export function recipePredicate({ image, variant, codec, definition, files, lock }: Recipe): Json {
  const written = [...files].sort(([left], [right]) => (left < right ? -1 : 1))
  return {
    ...{ image, variant, codec, definition, lock },
    files: written.map(([name, bytes]) => {
      const text = Buffer.from(bytes).toString('utf8')
      const isText = Buffer.from(text).equals(bytes)
      return {
        path: name,
        encoding: isText ? 'utf-8' : 'base64',
        content: isText ? text : Buffer.from(bytes).toString('base64'),
      }
    }),
  }
}

/** Reads a recipe; `name` is what messages call it. Throws `RECIPE_INVALID`, also for a path that leads out of its folder. */
export function parseRecipe(value: unknown, name: string): Recipe {
  const invalid = (reason: string) => new ImageError('RECIPE_INVALID', `cannot read the recipe ${name}: ${reason}`)
  const faults = faultsOf(shape, value)
  if (faults.length > 0) throw invalid(faults.map(formatFault).join('; '))
  const { files, ...rest } = value as RecipeJson
  const read = new Map<string, Uint8Array>()
  for (const { path: file, content, encoding } of files) {
    if (posix.normalize(file) !== file) throw invalid(`its file "${file}" is no plain path`)
    read.set(file, Buffer.from(content, encoding === 'base64' ? 'base64' : 'utf8'))
  }
  if (!read.has(rest.definition)) throw invalid(`it does not hold its own definition ${rest.definition}`)
  return { ...rest, files: read }
}

function isBelow(file: string, folder: string): boolean {
  return file.startsWith(`${folder}/`)
}

/** The deepest folder that all files are below. */
function commonFolder(files: readonly string[]): string {
  const [first = '/', ...rest] = files.map((file) => posix.dirname(file))
  let folder = first
  while (folder !== '/' && !rest.every((other) => other === folder || isBelow(other, folder))) {
    folder = posix.dirname(folder)
  }
  return folder
}
