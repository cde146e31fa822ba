import { readFile } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { PREDICATES } from '#attest'
import { BUILT_IN_ARCHIVES, readArchives } from '#debian'
import type { NewEvidence } from '#evidence'
import {
  type BuiltImage,
  everyObserved,
  type Lock,
  lockDerived,
  type ProvenPlatform,
  packageKey,
  provenanceOf,
  type Recipe,
  recipeDigests,
  recipeOf,
  recipePredicate,
} from '#image'
import { formatPlatform } from '#oci'
import type { BuildOrder } from './build-platforms.ts'
import { programDigest } from './program-digest.ts'
import { packageVersion } from './version.ts'

/** Provenance and recipe of a build: of all platforms together, for the index, and of each, in the order of the build. */
export interface BuildStatements {
  readonly index: readonly NewEvidence[]
  readonly platforms: readonly (readonly NewEvidence[])[]
}

/** Makes the statements that only a build can make. Rejects as reading the archives' files does. */
export async function buildStatements(order: BuildOrder, built: readonly BuiltImage[]): Promise<BuildStatements> {
  const recipe = await recipeOfBuild(order, built)
  const proven = built.map(provenPlatform)
  const program = { version: packageVersion(), digest: programDigest() }
  const statements = (platforms: readonly ProvenPlatform[]): NewEvidence[] => {
    const { image, variant, codec } = recipe
    const { format } = order.lock
    const observed = everyObserved(order.lock)
    const files = recipeDigests(recipe)
    const provenance = provenanceOf({ image, variant, codec, format, platforms, files, observed, program })
    return [
      { predicateType: PREDICATES.provenance, predicate: provenance },
      { predicateType: PREDICATES.recipe, predicate: recipePredicate(recipe) },
    ]
  }
  return { index: statements(proven), platforms: proven.map((one) => statements([one])) }
}

async function recipeOfBuild(order: BuildOrder, built: readonly BuiltImage[]): Promise<Recipe> {
  const { opened, effective, lock, options } = order
  return recipeOf({
    image: effective.image,
    variant: effective.variant,
    codec: options.zstd === true ? 'zstd' : 'gzip',
    lock: withDerived(lock, effective.variant, built),
    sources: opened.sources,
    catalogue: opened.catalogue,
    archives: await foreignArchives(order),
  })
}

/** The lock with what derived effects gave, down to what an overlay stacks on. */
function withDerived(lock: Lock, variant: string, built: readonly BuiltImage[]): Lock {
  const derived = new Map(
    Object.entries(lock.platforms).map(([platform, locked]) => {
      const made = built.find(({ image }) => formatPlatform(image.platform) === platform)?.derived ?? []
      const others = locked.derived.filter((one) => one.variant !== variant || made.length === 0)
      return [platform, [...others, ...made]]
    }),
  )
  const own = lockDerived(lock, derived)
  if (lock.base === undefined) return own
  const below = built.flatMap(({ base }) => base ?? [])
  return { ...own, base: { ...lock.base, lock: withDerived(lock.base.lock, variant, below) } }
}

/** The files of the archives that do not ship with Casemate, and of their keys. */
async function foreignArchives({ effective, place }: BuildOrder): Promise<Map<string, Uint8Array>> {
  const known = await readArchives([BUILT_IN_ARCHIVES, ...(place.archiveFolders ?? [])])
  const files = new Map<string, Uint8Array>()
  for (const name of effective.archives) {
    const found = known.get(name)
    if (found === undefined || found.path.startsWith(`${BUILT_IN_ARCHIVES}${sep}`)) continue
    const keys = Object.values(found.archive.keys).map(({ file }) => join(dirname(found.path), file))
    for (const path of [found.path, ...keys]) files.set(path, await readFile(path))
  }
  return files
}

/** Which layers hold which packages; the last one, of effects and the package database, holds none. */
function provenPlatform({ image, packages, assembly, taken }: BuiltImage): ProvenPlatform {
  return {
    platform: formatPlatform(image.platform),
    packages,
    taken,
    layers: assembly.layers.map(({ digest, diffId, content }) => ({
      ...{ digest, diffId },
      packages: content.kind === 'packages' ? content.packages.map(packageKey) : [],
    })),
  }
}
