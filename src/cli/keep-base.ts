import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BASE_FILE, BASE_LOCK, imageStackedOn, type KeptBase, type Recipe, readKeptBase } from '#image'
import { UsageError } from './errors.ts'
import { layRecipe, trustedRecipeOf } from './trusted-recipe.ts'

/** Whose recipes of bases are believed, and when they are fetched anew. */
export interface BaseOptions {
  readonly baseKey?: readonly string[]
  readonly baseSignedAs?: readonly string[]
  readonly update?: readonly string[] | true
  readonly check?: boolean
}

/**
 * Where a definition stacks on an image, keeps that image's recipe beside it, once somebody trusted has signed it: fetched the
 * first time, and with `update`. Nothing else needs the image's registry afterwards. Rejects as `trustedRecipeOf` does, and with
 * `USAGE_INVALID` where nobody is said to be trusted.
 */
export async function keepBase(reference: string, options: BaseOptions): Promise<void> {
  const wanted = await imageStackedOn(reference, { workingFolder: process.cwd() })
  if (wanted === undefined || options.check === true) return
  const { from, image, folder } = wanted
  const kept = await readKeptBase(folder)
  if (kept?.from === from && options.update === undefined) return
  const { baseKey: key, baseSignedAs: signedAs } = options
  if (key === undefined) {
    const reason = 'say whose recipe of it to believe by --base-key'
    throw new UsageError('USAGE_INVALID', `cannot fetch what ${from} is made from: ${reason}`)
  }
  const { recipe, digest } = await trustedRecipeOf(image, { key, ...(signedAs === undefined ? {} : { signedAs }) })
  const unfinished = `${folder}.${process.pid}.tmp`
  await rm(unfinished, { recursive: true, force: true })
  await layBase(recipe, { from, digest }, unfinished)
  await rm(folder, { recursive: true, force: true })
  await rename(unfinished, folder)
}

/** Writes the recipe of a base into a folder as definitions that stack on it find it: with its lock, and which image it is of. */
export async function layBase(recipe: Recipe, base: Omit<KeptBase, 'definition'>, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await layRecipe(recipe, folder)
  await writeFile(join(folder, BASE_LOCK), recipe.lock)
  const { from, digest } = base
  await writeFile(
    join(folder, BASE_FILE),
    `${JSON.stringify({ from, digest, definition: recipe.definition }, null, 2)}\n`,
  )
}
