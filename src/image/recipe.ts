import { posix } from 'node:path'
import { type Digest, digestOf, faultsOf, formatFault, type Json, type Shape } from '#core'
import { parseMemberReference } from './definition/matrix.ts'
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
  /** The definition's own file among `files`, with `#NAME` of the base that was chosen where it names several. */
  readonly definition: string
  /**
   * Definitions with what they refer to and their archives, by relative path: below `catalogue/` those of the catalogue, below
   * `definition/` all others.
   */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** Those of the files that can be executed: it decides their mode in the image. */
  readonly executables: ReadonlySet<string>
  /** Links beside the files, of folders that definitions take in, with their targets. */
  readonly links: ReadonlyMap<string, string>
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
          executable: { type: 'boolean' },
        },
        required: ['path', 'content', 'encoding'],
      },
    },
    links: {
      type: 'array',
      items: {
        type: 'object',
        properties: { path, target: { type: 'string', pattern: '^[^/\\0][^\\0]*$', title: 'a relative path' } },
        required: ['path', 'target'],
      },
    },
  },
  required: ['image', 'variant', 'codec', 'definition', 'lock', 'files'],
}

interface RecipeJson extends Omit<Recipe, 'files' | 'executables' | 'links'> {
  readonly files: readonly {
    readonly path: string
    readonly content: string
    readonly encoding: 'utf-8' | 'base64'
    readonly executable?: boolean
  }[]
  readonly links?: readonly { readonly path: string; readonly target: string }[]
}

/** The files of a definition as a recipe has them. */
export interface RecipeFiles extends Pick<Recipe, 'definition' | 'files' | 'executables' | 'links'> {
  /** Where a file is in it, by its absolute path. */
  readonly place: (file: string) => string
}

/** Makes the recipe of an image. Nothing in it tells where on which machine the files were. */
export function recipeOf({ image, variant, codec, lock, ...input }: RecipeInput): Recipe {
  const { place: _, ...made } = recipeFiles(input)
  return { image, variant, codec, ...made, lock: formatLock(lock) }
}

/** Gathers what a definition is made of, under paths that hang on no machine. */
export function recipeFiles({
  sources,
  catalogue,
  archives,
}: Pick<RecipeInput, 'sources' | 'catalogue' | 'archives'>): RecipeFiles {
  const outside = [...sources.map(({ file }) => file), ...archives.keys()].filter((file) => !isBelow(file, catalogue))
  const root = commonFolder(outside)
  const place = (file: string) =>
    isBelow(file, catalogue)
      ? `catalogue/${posix.relative(catalogue, file)}`
      : `definition/${posix.relative(root, file)}`
  const files = new Map<string, Uint8Array>()
  const executables = new Set<string>()
  const links = new Map<string, string>()
  for (const { file, bytes, files: referred, folders = new Map() } of sources) {
    files.set(place(file), bytes)
    const beside = (name: string) => posix.join(posix.dirname(place(file)), name)
    for (const [name, content] of referred) files.set(beside(name), content)
    for (const [folder, entries] of folders) {
      for (const { path, type, isExecutable, target } of entries) {
        const name = beside(`${folder}${path}`)
        if (type === 'symlink' && staysInside(name, target)) links.set(name, target)
        else if (isExecutable && files.has(name)) executables.add(name)
      }
    }
  }
  for (const [file, bytes] of archives) files.set(place(file), bytes)
  const own = sources.at(-1)
  const definition = `${place(own?.file ?? '')}${own?.member === undefined ? '' : `#${own.member}`}`
  return { definition, files, executables, links, place }
}

/** Whether a link of a recipe leads to another of its paths: those that lead elsewhere no definition takes in. */
function staysInside(path: string, target: string): boolean {
  return !target.startsWith('/') && /^(?:catalogue|definition)\//.test(posix.join(posix.dirname(path), target))
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
export function recipePredicate({ image, variant, codec, definition, files, executables, links, lock }: Recipe): Json {
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
        ...(executables.has(name) ? { executable: true } : {}),
      }
    }),
    ...(links.size === 0
      ? {}
      : {
          links: [...links]
            .sort(([left], [right]) => (left < right ? -1 : 1))
            .map(([name, target]) => ({ path: name, target })),
        }),
  }
}

/** Reads a recipe; `name` is what messages call it. Throws `RECIPE_INVALID`, also for a path that leads out of its folder. */
export function parseRecipe(value: unknown, name: string): Recipe {
  const invalid = (reason: string) => new ImageError('RECIPE_INVALID', `cannot read the recipe ${name}: ${reason}`)
  const faults = faultsOf(shape, value)
  if (faults.length > 0) throw invalid(faults.map(formatFault).join('; '))
  const { files, links: linked = [], ...rest } = value as RecipeJson
  const read = new Map<string, Uint8Array>()
  const executables = new Set<string>()
  for (const { path: file, content, encoding, executable = false } of files) {
    if (posix.normalize(file) !== file) throw invalid(`its file "${file}" is no plain path`)
    read.set(file, Buffer.from(content, encoding === 'base64' ? 'base64' : 'utf8'))
    if (executable) executables.add(file)
  }
  const links = new Map<string, string>()
  for (const { path: link, target } of linked) {
    if (posix.normalize(link) !== link || read.has(link))
      throw invalid(`its link "${link}" is no plain path of its own`)
    const isBelowLink = [...links.keys()].some((other) => isBelow(link, other) || isBelow(other, link))
    if (isBelowLink) throw invalid(`its link "${link}" lies below another link`)
    if (!staysInside(link, target)) throw invalid(`its link "${link}" leads out of it`)
    links.set(link, target)
  }
  if (!read.has(parseMemberReference(rest.definition).reference))
    throw invalid(`it does not hold its own definition ${rest.definition}`)
  return { ...rest, files: read, executables, links }
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
