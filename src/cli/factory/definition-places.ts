import { nearest } from '#core'
import { catalogueNames, definitionMembers, openDefinition } from '#image'
import { UsageError } from '../errors.ts'
import { archiveFoldersOf } from './fleet-references.ts'

/** Where the images of a fleet are defined. */
export interface NamedDefinitions {
  /** Throws `USAGE_INVALID` for an image that nobody defines. */
  definitionOf(image: string): string
  /** Where archives of its own are described. */
  readonly archiveFolders: readonly string[]
}

/**
 * Finds the definition of every image of a fleet by the image's name, of references as `fleetReferences` gives them; those of the catalogue are not
 * opened. Rejects as `openDefinition` does, and with `USAGE_INVALID` where two definitions make one image.
 */
export async function definitionsByName(references: readonly string[]): Promise<NamedDefinitions> {
  const places = { workingFolder: process.cwd() }
  const catalogue = new Set(await catalogueNames())
  const byImage = new Map<string, string>()
  const files = new Map<string, string | undefined>()
  const read = new Set<string>()
  for (const reference of references) {
    if (catalogue.has(reference)) {
      byImage.set(reference, reference)
      continue
    }
    for (const member of await definitionMembers(reference, places)) {
      const opened = await openDefinition(member, places)
      const { image } = opened.definition
      for (const file of opened.files) read.add(file)
      const other = byImage.get(image)
      if (other !== undefined && files.get(image) !== opened.files.at(-1)) {
        throw new UsageError('USAGE_INVALID', `cannot use ${member}: it makes ${image}, as ${other} does`)
      }
      byImage.set(image, member)
      files.set(image, opened.files.at(-1))
    }
  }
  const definitionOf = (image: string) => {
    const found = byImage.get(image)
    if (found !== undefined) return found
    const near = nearest(image, [...byImage.keys()])
    const hint = near === undefined ? 'the fleet has none' : `did you mean ${near}?`
    throw new UsageError('USAGE_INVALID', `cannot make ${image}: nobody defines it; ${hint}`)
  }
  return { definitionOf, archiveFolders: archiveFoldersOf({ files: [...read] }) }
}
