import { join } from 'node:path'
import { fetchPackages } from '#debian'
import { type BuiltImage, catalogueNames, type Lock, type LockedPackage, openDefinition } from '#image'
import { buildPlatforms } from '../../src/cli/build-platforms.ts'
import { provideLock } from '../../src/cli/lock-choice.ts'
import { Stages } from '../../src/cli/stages.ts'
import { openTerminal } from '../../src/cli/terminal.ts'
import { runOrThrow } from './command.ts'

/** One image that the catalogue makes. */
export interface CatalogueImage {
  readonly name: string
  readonly variant: string
  readonly platform: string
}

/** An image in an OCI layout as the command line wrote it, and everything that was learnt in building it. */
export interface CatalogueBuild {
  /** For a row of a table: `python dev linux/arm64`. */
  readonly title: string
  /** The layout's folder; its one image bears the tag `image`. */
  readonly layout: string
  readonly built: BuiltImage
  readonly lock: Lock
  readonly without: readonly string[]
}

const CLI = join(import.meta.dirname, '../../src/cli/main.ts')
const PLATFORMS = ['linux/amd64', 'linux/arm64']

/** Every image, variant and platform of the catalogue; with arguments only the images of these names, which must be there. */
export async function catalogueImages(only: readonly string[] = []): Promise<readonly CatalogueImage[]> {
  const all = await catalogueNames()
  const unknown = only.find((name) => !all.includes(name))
  if (unknown !== undefined) throw new Error(`cannot find image ${unknown} in the catalogue`)
  const names = all.filter((name) => only.length === 0 || only.includes(name))
  const opened = await Promise.all(names.map((name) => openDefinition(name, { workingFolder: process.cwd() })))
  return opened.flatMap(({ definition }) =>
    [...definition.variants.keys()].flatMap((variant) =>
      PLATFORMS.map((platform) => ({ name: definition.image, variant, platform })),
    ),
  )
}

/**
 * Builds an image by the command line into a layout below `folder`, and once more in this process, where every path has
 * its origin. Throws unless both are the same manifest.
 */
export async function buildCatalogueImage(image: CatalogueImage, folder: string): Promise<CatalogueBuild> {
  const { name, variant, platform } = image
  const layout = join(folder, `${name}-${variant}-${platform.replace('/', '-')}`)
  const options = ['--variant', variant, '--platform', platform, '-o', `oci:${layout}:image`, '--json']
  const written = await runOrThrow([process.execPath, '--conditions=source', CLI, 'build', name, ...options])
  const { built, lock, without } = await buildInProcess(image)
  if (!written.includes(built.image.manifest.descriptor.digest)) {
    throw new Error(`cannot compare ${name} ${variant}: the command line built another manifest`)
  }
  return { title: `${name} ${variant} ${platform}`, layout, built, lock, without }
}

/** Builds an image in this process, where every path has its origin, and writes it nowhere. */
export async function buildInProcess({
  name,
  variant,
  platform,
}: CatalogueImage): Promise<Omit<CatalogueBuild, 'layout'>> {
  const opened = await openDefinition(name, { workingFolder: process.cwd() })
  const effective = opened.definition.variants.get(variant)
  const order = { platforms: [platform], place: {}, acceptExpired: false }
  const choice = await provideLock(opened, order)
  if (effective === undefined || choice.kind === 'impossible') throw new Error(`cannot build ${name} ${variant}`)
  const { lock } = choice
  const again = await buildPlatforms({ opened, effective, lock, ...order, options: {} }, new Stages(openTerminal()))
  const [built] = again.built
  if (built === undefined) throw new Error(`cannot build ${name} ${variant} for ${platform}`)
  return { title: `${name} ${variant} ${platform}`, built, lock, without: Object.keys(effective.without) }
}

/** The .deb files of a build's packages, in their order. */
export function debsOf({ built, lock }: CatalogueBuild): Promise<readonly string[]> {
  return fetchPackages(built.packages, { observed: lock.observed })
}

/** What a package is called in messages. */
export function nameOf({ name, version }: LockedPackage): string {
  return `${name} ${version}`
}
