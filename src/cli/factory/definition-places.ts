import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { hasSystemCode, messageOf, nearest } from '#core'
import { catalogueNames, DEFINITION_FILE, definitionMembers, openDefinition } from '#image'
import { UsageError } from '../errors.ts'

/** Where a factory's images are defined. */
export interface FleetPlace {
  /** Names of catalogue images, or paths of definitions. */
  readonly images: readonly string[]
  /** A folder with definitions at any depth. */
  readonly definitions?: string
}

/**
 * Finds the definition of every image of a fleet by the image's name. Rejects as `openDefinition` does, and with `USAGE_INVALID`
 * where two definitions make one image.
 */
export async function readFleetDefinitions({ images, definitions }: FleetPlace): Promise<(image: string) => string> {
  const places = { workingFolder: process.cwd() }
  const catalogue = new Set(await catalogueNames())
  const own = definitions === undefined ? [] : await definitionsIn(definitions)
  const byImage = new Map<string, string>()
  const files = new Map<string, string | undefined>()
  for (const reference of [...images, ...own]) {
    if (catalogue.has(reference)) {
      byImage.set(reference, reference)
      continue
    }
    for (const member of await definitionMembers(reference, places)) {
      const opened = await openDefinition(member, places)
      const { image } = opened.definition
      const other = byImage.get(image)
      if (other !== undefined && files.get(image) !== opened.files.at(-1)) {
        throw new UsageError('USAGE_INVALID', `cannot use ${member}: it makes ${image}, as ${other} does`)
      }
      byImage.set(image, member)
      files.set(image, opened.files.at(-1))
    }
  }
  return (image) => {
    const found = byImage.get(image)
    if (found !== undefined) return found
    const near = nearest(image, [...byImage.keys()])
    const hint = near === undefined ? 'the fleet has none' : `did you mean ${near}?`
    throw new UsageError('USAGE_INVALID', `cannot make ${image}: nobody defines it; ${hint}`)
  }
}

async function definitionsIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    const reason = hasSystemCode(cause, 'ENOENT') ? 'there is no such folder' : messageOf(cause)
    throw new UsageError('USAGE_INVALID', `cannot look for definitions in ${folder}: ${reason}`, { cause })
  })
  return entries
    .filter((entry) => entry.isFile() && entry.name === DEFINITION_FILE)
    .map(({ parentPath }) => join(parentPath, DEFINITION_FILE))
    .sort()
}
