import { type LockedPackage, openDefinition, packagesOf, parseLock } from '#image'
import type { DebComponent, Inventory } from '#sbom'
import { UsageError } from './errors.ts'
import { withOrigins } from './file-account.ts'
import { imageLabels } from './image-labels.ts'
import { readLockText } from './lock-choice.ts'

/** Which image an inventory is of, as its labels say. */
export interface ImageIdentity {
  readonly labels: Readonly<Record<string, string>>
  /** OCI platform. */
  readonly platform: string
}

/**
 * Adds what the image's definition says: what it leaves out and why, and from the lock beside it where each package's .deb is
 * and its digest. A package counts only in the version and architecture of the lock; for others there is a fault. Rejects with
 * `USAGE_INVALID` for a definition of another image, and as `openDefinition` and `parseLock` do.
 */
export async function withDefinition(
  inventory: Inventory,
  reference: string,
  { labels, platform }: ImageIdentity,
): Promise<Inventory> {
  const { definition, lockFile } = await openDefinition(reference, { workingFolder: process.cwd() })
  const name = labels[imageLabels.image]
  if (name !== definition.image) {
    const reason = `it makes ${definition.image}, and the image says that it is ${name ?? 'none of ours'}`
    throw new UsageError('USAGE_INVALID', `cannot use the definition ${reference}: ${reason}`)
  }
  const variant = labels[imageLabels.variant] ?? 'runtime'
  const effective = definition.variants.get(variant)
  if (effective === undefined) {
    throw new UsageError('USAGE_INVALID', `cannot use the definition ${reference}: it has no variant ${variant}`)
  }
  const text = await readLockText(lockFile)
  const locked = text === undefined ? [] : packagesOf(parseLock(text, lockFile), platform, variant)
  const packages = inventory.packages.map((one) => withFile(one, locked))
  const others = packages.filter(({ file }) => file === undefined).map(({ name }) => name)
  return {
    ...withOrigins(inventory, effective.paths, platform),
    packages,
    definition: {
      name: definition.image,
      variant,
      leftOut: Object.entries({ ...effective.without, ...effective.remove })
        .map(([name, reason]) => ({ name, reason }))
        .sort((left, right) => (left.name < right.name ? -1 : 1)),
      hasLock: text !== undefined,
    },
    faults:
      text === undefined || others.length === 0
        ? inventory.faults
        : [...inventory.faults, `the lock has no such version of ${others.join(', ')}`],
  }
}

function withFile(one: DebComponent, locked: readonly LockedPackage[]): DebComponent {
  const { name, version, architecture } = one
  const found = locked.find((it) => it.name === name && it.version === version && it.architecture === architecture)
  return found === undefined ? one : { ...one, file: { path: found.filename, digest: found.digest } }
}
