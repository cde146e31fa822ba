import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { canonicalJson, type Digest, digestOf, hasSystemCode, matchesNamePattern } from '#core'
import { defaultCacheFolder } from '#debian'
import type { BaseTrust } from '#factory'
import { type OpenedDefinition, openDefinition, readKeptBase, recipeFiles, type StackedImage } from '#image'
import { parseReference } from '#oci'
import { UsageError } from '../errors.ts'
import { foreignBaseOf } from '../foreign-base.ts'
import { layBase } from '../keep-base.ts'
import { readLockText } from '../lock-choice.ts'
import { layRecipe, trustedRecipeOf } from '../trusted-recipe.ts'
import type { FactoryTools } from './tools.ts'

/** The state of an image of others that an image of the factory is made on. */
export type LockedOn = {
  /** As the definition names it. */
  readonly from: string
  /** Of its index, or of its manifest. */
  readonly digest: Digest
}

/**
 * The reference of an image's definition, on a state of the image of others that it stacks on. Where that is not the one that is kept beside the
 * definition, its recipe is fetched, verified, and laid with the definition into the cache: nothing is written beside a definition. Rejects with
 * `USAGE_INVALID` where nobody is said to be believed, and as `openDefinition` and `trustedRecipeOf`.
 */
export async function definitionOn(
  tools: Pick<FactoryTools, 'definitionOf' | 'options'>,
  image: string,
  base: LockedOn | undefined,
): Promise<string> {
  const reference = tools.definitionOf(image)
  if (base === undefined) return reference
  const opened = await openDefinition(reference, { workingFolder: process.cwd() })
  const foreign = foreignBaseOf(opened)
  if (foreign?.from !== base.from) return reference
  if ((await readKeptBase(foreign.folder))?.digest === base.digest) return reference
  return await layDefinition(opened, { foreign, base, trust: tools.options.bases ?? [] })
}

/** How many files are laid in a folder, by its own word. */
const COUNT = '.count'

interface Moved {
  readonly foreign: StackedImage
  readonly base: LockedOn
  readonly trust: readonly BaseTrust[]
}

/** By what it is made of: whoever lays the same lays it in the same folder. */
async function layDefinition(opened: OpenedDefinition, { foreign, base, trust }: Moved): Promise<string> {
  const { sources, catalogue } = opened
  const { definition, files, executables, links, place } = recipeFiles({
    ...{ sources, catalogue },
    archives: await besideOf(opened, foreign.folder),
  })
  const kept = `${place(foreign.folder)}/`
  const isOwn = (path: string) => path.startsWith('definition/') && !path.startsWith(kept)
  const own = {
    files: new Map([...files].filter(([path]) => isOwn(path))),
    executables: new Set([...executables].filter(isOwn)),
    links: new Map([...links].filter(([path]) => isOwn(path))),
  }
  const said = {
    ...{ base, definition, executables: [...own.executables].sort(), links: [...own.links].sort() },
    files: [...own.files].map(([path, bytes]) => [path, digestOf(bytes)]).sort(),
  }
  const folder = join(defaultCacheFolder(), 'bases', digestOf(canonicalJson(said)).slice('sha256:'.length))
  const reference = join(folder, definition)
  if (await isWhole(folder)) return reference
  const unfinished = `${folder}.${process.pid}.${randomUUID()}.tmp`
  try {
    await mkdir(unfinished, { recursive: true })
    const recipe = await recipeOf(foreign, base, trust)
    // What it extends of the catalogue is read there.
    await layRecipe({ ...recipe, ...own }, unfinished)
    await layBase(recipe, base, join(unfinished, kept))
    await writeFile(join(unfinished, COUNT), String(await countFiles(unfinished)))
    // Of one that the cache was cleared of in part, the rest is in the way.
    if (!(await isWhole(folder))) await rm(folder, { recursive: true, force: true })
    await rename(unfinished, folder)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    if (!hasSystemCode(error, 'ENOTEMPTY', 'EEXIST')) throw error
  }
  return reference
}

/** Fetched by its digest: wherever the tag is by now, every worker takes the same. */
async function recipeOf({ image }: StackedImage, { from, digest }: LockedOn, trust: readonly BaseTrust[]) {
  const reference = parseReference(image)
  const invalid = (reason: string) => new UsageError('USAGE_INVALID', `cannot take what ${from} is now: ${reason}`)
  if (reference.transport !== 'docker') throw invalid('it is in no registry')
  const repository = `${reference.registry}/${reference.repository}`
  const believed = trust.find(({ images }) => images.some((pattern) => matchesNamePattern(pattern, repository)))
  if (believed === undefined)
    throw invalid(`say whose recipe of ${repository} to believe, by \`bases: trust:\` of the settings`)
  const { keys: key, signedAs } = believed
  const options = { key, ...(signedAs === undefined ? {} : { signedAs }) }
  return (await trustedRecipeOf(`docker://${repository}@${digest}`, options)).recipe
}

/** What building looks for beside definitions and no recipe has: archives of their own, and the lock. */
async function besideOf({ sources, lockFile }: OpenedDefinition, base: string): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>()
  const folders = new Set(
    sources.map(({ file }) => dirname(file)).filter((folder) => !`${folder}${sep}`.startsWith(`${base}${sep}`)),
  )
  for (const folder of folders) {
    const archives = join(folder, 'archives')
    const entries = await readdir(archives, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
      if (hasSystemCode(error, 'ENOENT', 'ENOTDIR')) return []
      throw error
    })
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name)
      if (entry.isFile()) found.set(path, await readFile(path))
    }
  }
  const lock = await readLockText(lockFile)
  if (lock !== undefined) found.set(lockFile, Buffer.from(lock))
  return found
}

/** Whoever clears the cache takes files one by one. */
async function isWhole(folder: string): Promise<boolean> {
  const count = await readFile(join(folder, COUNT), 'utf8').catch((error: unknown) => {
    if (hasSystemCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  })
  return count !== undefined && Number(count) === (await countFiles(folder))
}

/** Without the file that the count is in. */
async function countFiles(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => !entry.isDirectory() && entry.name !== COUNT).length
}
