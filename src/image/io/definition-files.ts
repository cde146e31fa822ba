import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasSystemCode, messageOf, nearest, packageFile } from '#core'
import { referredFiles } from '../definition/load-definition.ts'
import { basesOf, type MemberReference, memberOf, parseMemberReference } from '../definition/matrix.ts'
import { parseDefinitionFile } from '../definition/parse-definition.ts'
import { type DefinitionFile, type ResolvedDefinition, resolveDefinition } from '../definition/resolve-definition.ts'
import { ImageError } from '../errors.ts'
import { type FolderEntry, folderTree } from '../taken/folder-tree.ts'
import { selectPaths } from '../taken/selection.ts'
import { baseFolder, imageFrom, locateBase, namesImage } from './base-recipe.ts'
import { readFolder } from './repository-folder.ts'

/** The file that a folder's definition stands in. */
export const DEFINITION_FILE = 'casemate.yaml'

const MAX_DEFINITION_BYTES = 1024 * 1024
const MAX_SOURCE_BYTES = 256 * 1024 * 1024
/** Of all files of folders that one definition takes in. */
const MAX_FOLDER_BYTES = 512 * 1024 * 1024
const MAX_CHAIN = 20

/** A definition from disk, resolved, with where it and its lock are kept. */
export interface OpenedDefinition {
  readonly definition: ResolvedDefinition
  /** Absolute, those of its base and the extended ones first, the definition itself last. */
  readonly files: readonly string[]
  /** Absolute; there may be no such file yet. `casemate.lock`, or `STEM.lock` for a file that is not `casemate.yaml`. */
  readonly lockFile: string
  /** The same files as they were read, each with what it refers to. */
  readonly sources: readonly DefinitionSource[]
  /** Absolute, links followed: where the names of catalogue images lead to. */
  readonly catalogue: string
  /** Whether it is one of the catalogue's own. */
  readonly isCatalogue: boolean
  /** What an overlay stacks on, with the reference that names it. */
  readonly base?: { readonly from: string; readonly opened: OpenedDefinition }
}

/** A definition file as it was read. */
export interface DefinitionSource {
  /** Absolute. */
  readonly file: string
  readonly bytes: Uint8Array
  /** What it refers to, by paths from its own folder. */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** What the folders hold that it refers to. */
  readonly folders?: ReadonlyMap<string, readonly FolderEntry[]>
  /** Which of its bases was chosen, where it names several. */
  readonly member?: string
}

/** Where to look for definitions. */
export interface DefinitionPlaces {
  /** The folder that relative paths start from. */
  readonly workingFolder: string
  /** The folder of catalogue images, one folder each. Default: the one that ships with Casemate. */
  readonly catalogue?: string
}

/** Gives the folder of the catalogue that ships with Casemate. */
export function catalogueFolder(): string {
  return fileURLToPath(packageFile('images'))
}

/** The names of catalogue images, in code-unit order; empty where there is no catalogue. */
export async function catalogueNames(catalogue: string = catalogueFolder()): Promise<readonly string[]> {
  const entries = await readdir(catalogue, { withFileTypes: true }).catch((error: unknown) => {
    if (hasSystemCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  })
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
}

/**
 * Reads a definition with everything it extends and stacks on. `reference` is the name of a catalogue image, or a path: something with
 * a slash, or that ends in .yaml or .yml, or `.`; a folder stands for its `casemate.yaml`. Files that a definition refers
 * to are read from its own folder only, links followed. Throws `DEFINITION_NOT_FOUND`, `DEFINITION_INVALID`, `EXTENDS_CYCLE`
 * and `OVERLAY_CONFLICT`.
 */
export async function openDefinition(reference: string, places: DefinitionPlaces): Promise<OpenedDefinition> {
  return openAbove(reference, places, [])
}

type ReadFile = DefinitionFile & DefinitionSource

/** Opens a definition that the files of `above` lead to. */
async function openAbove(
  reference: string,
  places: DefinitionPlaces,
  above: readonly ReadFile[],
): Promise<OpenedDefinition> {
  const catalogue = places.catalogue ?? catalogueFolder()
  const chain = await readChain(reference, { ...places, catalogue }, above)
  const [root] = chain
  const from = root?.definition.from
  const located = root === undefined || from === undefined ? undefined : await locateBase(from, root, places)
  const below = located && (await openAbove(located.reference, located.places, [...above, ...chain.toReversed()]))
  const base = below && { ...below, lockFile: located?.lockFile ?? below.lockFile }
  const sources = [
    ...(base?.sources ?? []),
    ...chain.map(({ file, bytes, files, folders = new Map(), member }) => ({
      ...{ file, bytes, folders, files: file === root?.file ? new Map([...files, ...(located?.files ?? [])]) : files },
      ...(member === undefined ? {} : { member }),
    })),
  ]
  const { file: own = '', member } = chain.at(-1) ?? {}
  const realCatalogue = await realFolder(catalogue)
  return {
    definition: resolveDefinition(chain, base?.definition),
    files: sources.map(({ file }) => file),
    lockFile: lockFileOf(own, member),
    sources,
    catalogue: realCatalogue,
    isCatalogue: own.startsWith(`${realCatalogue}${sep}`),
    ...(base === undefined || from === undefined ? {} : { base: { from, opened: base } }),
  }
}

/** The image that a definition stacks on, where it names one: for who fetches its recipe. Rejects as `openDefinition`. */
export async function imageStackedOn(reference: string, places: DefinitionPlaces): Promise<StackedImage | undefined> {
  const catalogue = places.catalogue ?? catalogueFolder()
  const [root] = await readChain(reference, { ...places, catalogue }, [])
  const from = root?.definition.from
  if (root === undefined || from === undefined || !namesImage(from)) return undefined
  return { from, image: imageFrom(from, root.file), folder: baseFolder(root.file, root.member) }
}

/** An image that an overlay stacks on, and the folder for its recipe. */
export interface StackedImage {
  /** As the overlay says it, and as it can be opened from anywhere. */
  readonly from: string
  readonly image: string
  readonly folder: string
}

/** Each image has a lock of its own, so that an update of one base changes nothing of the others. */
function lockFileOf(file: string, member: string | undefined): string {
  const stem = basename(file).replace(/\.ya?ml$/, '')
  return join(dirname(file), member === undefined ? `${stem}.lock` : `${stem}.${member}.lock`)
}

/**
 * The references of every image that a definition makes: itself, or one for each of the bases that it names. Rejects as
 * `openDefinition`.
 */
export async function definitionMembers(reference: string, places: DefinitionPlaces): Promise<readonly string[]> {
  const { reference: path, member } = parseMemberReference(reference)
  if (member !== undefined) return [reference]
  const file = await locateDefinition(path, places.workingFolder, places.catalogue ?? catalogueFolder())
  const bytes = await readLimited(file, MAX_DEFINITION_BYTES, file)
  const bases = basesOf(parseDefinitionFile(decode(bytes, file), file).definition)
  return bases.size === 0 ? [reference] : [...bases.keys()].map((name) => `${reference}#${name}`)
}

/** Reads a definition and what it extends, that first. */
async function readChain(
  reference: string,
  { workingFolder, catalogue }: Required<DefinitionPlaces>,
  above: readonly ReadFile[],
): Promise<readonly ReadFile[]> {
  const chain: ReadFile[] = []
  let next: string | undefined = reference
  let folder = workingFolder
  while (next !== undefined) {
    const { reference: located, member }: MemberReference = parseMemberReference(next)
    const path = await locateDefinition(located, folder, catalogue)
    const seen = [...above, ...chain].findIndex((one) => one.file === path && one.member === member)
    if (seen >= 0 || above.length + chain.length >= MAX_CHAIN) throw chainFault([...above, ...chain], path, seen)
    const one = await readDefinitionFile(path, member)
    chain.push(one)
    next = one.definition.extends
    folder = dirname(path)
  }
  return chain.reverse()
}

/** With links followed, as the paths of definitions are; as it stands where there is no such folder. */
async function realFolder(path: string): Promise<string> {
  return realpath(path).catch((error: unknown) => {
    if (hasSystemCode(error, 'ENOENT', 'ENOTDIR')) return resolve(path)
    throw new ImageError('DEFINITION_NOT_FOUND', `cannot read catalogue ${path}: ${messageOf(error)}`, { cause: error })
  })
}

async function locateDefinition(reference: string, folder: string, catalogue: string): Promise<string> {
  const isPath = reference.includes('/') || reference.startsWith('.') || /\.ya?ml$/.test(reference)
  const path = isPath ? resolve(folder, reference) : join(resolve(catalogue), reference)
  const found = await stat(path).catch((error: unknown) => {
    if (hasSystemCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw new ImageError('DEFINITION_NOT_FOUND', `cannot read definition ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  })
  if (found === undefined) throw await notFound(reference, isPath ? path : undefined, catalogue)
  return realpath(found.isDirectory() ? join(path, DEFINITION_FILE) : path).catch((error: unknown) => {
    throw new ImageError('DEFINITION_NOT_FOUND', `cannot find ${DEFINITION_FILE} in ${path}`, { cause: error })
  })
}

async function notFound(reference: string, path: string | undefined, catalogue: string): Promise<ImageError> {
  if (path !== undefined) {
    return new ImageError('DEFINITION_NOT_FOUND', `cannot find definition ${reference}: there is no ${path}`)
  }
  const names = await catalogueNames(catalogue)
  const near = nearest(reference, names)
  const hint = near === undefined ? `the catalogue has ${names.join(', ') || 'no images'}` : `did you mean ${near}?`
  const reason = `${hint} (a path has a slash in it: ./${reference})`
  return new ImageError('DEFINITION_NOT_FOUND', `cannot find catalogue image ${reference}: ${reason}`)
}

async function readDefinitionFile(file: string, member?: string): Promise<ReadFile> {
  const bytes = await readLimited(file, MAX_DEFINITION_BYTES, file)
  const { definition: whole, locate } = parseDefinitionFile(decode(bytes, file), file)
  const definition = memberOf(whole, member, file)
  const root = await realpath(dirname(file))
  const files = new Map<string, Uint8Array>()
  const folders = new Map<string, readonly FolderEntry[]>()
  const { files: names, sources } = referredFiles(definition)
  for (const path of names) files.set(path, await readInside(root, path, file))
  let room = MAX_FOLDER_BYTES
  for (const declared of sources) {
    const { source } = declared
    const real = await realInside(root, source, file)
    if (!(await stat(real)).isDirectory()) {
      files.set(source, await readLimited(real, MAX_SOURCE_BYTES, file))
      continue
    }
    const name = `${source} of definition ${file}`
    const entries = folders.get(source) ?? (await readFolder(real, name))
    folders.set(source, entries)
    for (const { type, content } of selectPaths(folderTree(entries), { from: '/', ...declared }, name)) {
      if (type !== 'file' || files.has(`${source}${content}`)) continue
      const read = await readLimited(join(real, content), Math.min(room, MAX_SOURCE_BYTES), file)
      room -= read.length
      files.set(`${source}${content}`, read)
    }
  }
  return { file, definition, locate, bytes, files, folders, ...(member === undefined ? {} : { member }) }
}

async function readInside(root: string, path: string, file: string): Promise<Uint8Array> {
  return readLimited(await realInside(root, path, file), MAX_SOURCE_BYTES, file)
}

/** Where a path that a definition names leads; where links lead out of the definition's folder, that is refused. */
async function realInside(root: string, path: string, file: string): Promise<string> {
  const real = await realpath(join(root, path)).catch((error: unknown) => {
    throw new ImageError('DEFINITION_INVALID', `cannot read ${path} for definition ${file}: ${messageOf(error)}`, {
      cause: error,
    })
  })
  if (!real.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)) {
    const reason = "it leads out of the definition's folder"
    throw new ImageError('DEFINITION_INVALID', `cannot read ${path} for definition ${file}: ${reason}`)
  }
  return real
}

async function readLimited(path: string, limit: number, file: string): Promise<Uint8Array> {
  const refuse = (reason: string, cause?: unknown) =>
    new ImageError(
      'DEFINITION_INVALID',
      `cannot read ${path === file ? 'definition' : `${path} for definition`} ${file}: ${reason}`,
      { cause },
    )
  try {
    const found = await stat(path)
    if (!found.isFile()) throw refuse('it is no regular file')
    if (found.size > limit) throw refuse(`it has ${found.size} bytes, more than the ${limit} allowed`)
    return await readFile(path)
  } catch (error) {
    throw error instanceof ImageError ? error : refuse(messageOf(error), error)
  }
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new ImageError('DEFINITION_INVALID', `cannot read definition ${file}: it is not UTF-8`, { cause })
  }
}

function chainFault(chain: readonly DefinitionFile[], path: string, seen: number): ImageError {
  if (seen < 0) {
    return new ImageError(
      'EXTENDS_CYCLE',
      `cannot extend ${path}: more than ${MAX_CHAIN} definitions extend each other or stack on each other`,
    )
  }
  const circle = [...chain.slice(seen).map(({ file }) => file), path]
  const stacks = chain.slice(seen).some(({ definition }) => definition.from !== undefined)
  const does = stacks ? ['stack on', 'stacks on'] : ['extend', 'extends']
  return new ImageError('EXTENDS_CYCLE', `cannot ${does[0]} ${path}: it ${does[1]} itself (${circle.join(' → ')})`)
}
