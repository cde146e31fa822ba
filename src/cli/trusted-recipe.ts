import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PREDICATES } from '#attest'
import type { Digest } from '#core'
import { collectEvidence, judgeEvidence } from '#evidence'
import { parseRecipe, type Recipe } from '#image'
import { UsageError } from './errors.ts'
import { type TrustOptions, trustOf } from './evidence-trust.ts'
import { findSubjects, type ImageSubjects, namesSigned } from './image-subjects.ts'

/** Whose recipes are believed, and of which repositories. */
export interface RecipeTrust extends TrustOptions {
  readonly signedAs?: readonly string[]
}

/** The recipe that somebody trusted has attached to an image. Rejects with `USAGE_INVALID` where there is none, and as `findSubjects` does. */
export async function trustedRecipe(image: ImageSubjects, options: RecipeTrust): Promise<Recipe> {
  const trust = await trustOf(options)
  const repositories = namesSigned(image, options.signedAs)
  const found = await collectEvidence(image.repository, image.top.digest)
  const { statements, refused } = judgeEvidence(found, { trust, repositories })
  const [first] = statements.filter(({ statement }) => statement.predicateType === PREDICATES.recipe)
  if (first !== undefined) return parseRecipe(first.statement.predicate, first.place)
  const [why] = refused.map(({ reason }) => reason)
  const reason = why === undefined ? 'no recipe is attached to it' : `no recipe of it is believed: ${why}`
  throw new UsageError('USAGE_INVALID', `cannot build ${image.repository.name}@${image.top.digest} again: ${reason}`)
}

/** The same, of an image that is looked for, with the digest of its index. */
export async function trustedRecipeOf(
  reference: string,
  options: RecipeTrust,
): Promise<{ readonly recipe: Recipe; readonly digest: Digest }> {
  const image = await findSubjects(reference)
  try {
    return { recipe: await trustedRecipe(image, options), digest: image.top.digest }
  } finally {
    await image.repository.close()
  }
}

/** Writes the files of a recipe below a folder, where building finds them; `catalogue/` is there even if it is empty. */
export async function layRecipe({ files, executables, links }: Recipe, folder: string): Promise<void> {
  await mkdir(join(folder, 'catalogue'), { recursive: true })
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), bytes, { flag: 'wx' })
    if (executables.has(path)) await chmod(join(folder, path), 0o755)
  }
  // The files come first, so that none is written through a link.
  for (const [path, target] of links) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await symlink(target, join(folder, path))
  }
}
