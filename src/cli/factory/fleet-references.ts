import { dirname, join } from 'node:path'
import type { FactorySettings } from '#factory'
import { UsageError } from '../errors.ts'
import { definitionsBelow, type FleetDefinitions, openFleet } from '../fleet-definitions.ts'

/**
 * What a factory's settings name as its images: catalogue images, and definitions in its folder. Throws `USAGE_INVALID` for a folder that
 * cannot be read, and for a repository that is not checked out here.
 */
export async function fleetReferences({ images, definitions }: FactorySettings): Promise<readonly string[]> {
  if (definitions === undefined) return images
  if ('folder' in definitions) return [...images, ...(await definitionsBelow(definitions.folder))]
  const reason = `the settings have them in ${definitions.git}: name a folder with a checkout by --definitions`
  throw new UsageError('USAGE_INVALID', `cannot read the definitions: ${reason}`)
}

/** Opens what a factory's settings name as its images, as it is now. Rejects as `fleetReferences` and `openFleet`. */
export async function fleetOf(settings: FactorySettings): Promise<FleetDefinitions> {
  return openFleet(await fleetReferences(settings))
}

/** Settings with the images that the command line names in place of theirs. */
export function withNamedImages(
  settings: FactorySettings,
  { image, definitions }: { readonly image?: readonly string[]; readonly definitions?: string },
): FactorySettings {
  return {
    ...settings,
    ...(image === undefined ? {} : { images: image }),
    ...(definitions === undefined ? {} : { definitions: { folder: definitions } }),
  }
}

/** Where archives of a fleet's own are described: beside its definitions. */
export function archiveFoldersOf({ files }: Pick<FleetDefinitions, 'files'>): readonly string[] {
  return [...new Set(files.map((file) => join(dirname(file), 'archives')))]
}
