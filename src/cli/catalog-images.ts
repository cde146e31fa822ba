import { nearest } from '#core'
import { type About, CATEGORIES, catalogueNames, type OpenedDefinition, openDefinition, readAbout } from '#image'
import { UsageError } from './errors.ts'

/** An image of the catalogue with everything that is written about it. */
export interface CatalogImage {
  readonly name: string
  readonly opened: OpenedDefinition
  readonly about: About
}

/** Reads images of the catalogue, by category, then name; all unless names are given. Throws `USAGE_INVALID` for a name that is none. */
export async function readCatalog(only: readonly string[] = []): Promise<readonly CatalogImage[]> {
  const names = await catalogueNames()
  for (const name of only) if (!names.includes(name)) throw unknownName(name, names)
  const wanted = names.filter((name) => only.length === 0 || only.includes(name))
  const images = await Promise.all(
    wanted.map(async (name) => ({
      name,
      opened: await openDefinition(name, { workingFolder: process.cwd() }),
      about: await readAbout(name),
    })),
  )
  return images.sort((left, right) => place(left) - place(right) || (left.name < right.name ? -1 : 1))
}

function place({ about }: CatalogImage): number {
  return CATEGORIES.indexOf(about.category)
}

function unknownName(name: string, names: readonly string[]): UsageError {
  const near = nearest(name, names)
  const hint = near === undefined ? '"casemate catalog list" names them all' : `did you mean ${near}?`
  return new UsageError('USAGE_INVALID', `cannot find ${name} in the catalogue: ${hint}`)
}
