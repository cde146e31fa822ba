import type { ArchivePackage } from '#debian'
import type { Selection } from '#solver'
import { definitionDigest, type ResolvedDefinition } from './definition/resolve-definition.ts'
import { assignLayers, type LayerAssignment } from './lock/assign-layers.ts'
import {
  compareLocked,
  type Lock,
  type LockedPackage,
  type LockedPlatform,
  type ObservedSuite,
  packageKey,
  packagesOf,
} from './lock/lock.ts'

/** What a lock is made from. */
export interface LockInput {
  readonly definition: ResolvedDefinition
  readonly format: number
  /** By OCI platform, then by variant, the runtime first. */
  readonly selections: ReadonlyMap<string, ReadonlyMap<string, Selection>>
  readonly observed: readonly ObservedSuite[]
  /** The lock that is being updated: its layers stay where they are as far as possible. */
  readonly previous?: Lock
}

/** Pins the selected packages of every variant and platform, and gives each its layer. */
export function makeLock({ definition, format, selections, observed, previous }: LockInput): Lock {
  const platforms = [...selections].map(([platform, variants]) => {
    return [platform, lockPlatform(platform, variants, definition, previous)] as const
  })
  const definitions = [...definition.variants].map(([name, variant]) => [name, definitionDigest(variant)] as const)
  return {
    image: definition.image,
    format,
    definitions: Object.fromEntries(definitions),
    platforms: Object.fromEntries(platforms),
    observed: [...observed].sort((left, right) => (suiteKey(left) < suiteKey(right) ? -1 : 1)),
  }
}

function lockPlatform(
  platform: string,
  variants: ReadonlyMap<string, Selection>,
  definition: ResolvedDefinition,
  previous: Lock | undefined,
): LockedPlatform {
  const packages = new Map<string, { package: ArchivePackage; layers: Record<string, number> }>()
  let runtime: LayerAssignment | undefined
  for (const [variant, selection] of variants) {
    const before = previous === undefined ? undefined : assignmentOf(previous, platform, variant)
    const budget = definition.variants.get(variant)?.layerBudget ?? 0
    const assignment = assignLayers(selection.packages, budget, before ?? runtime)
    runtime ??= assignment
    for (const one of selection.packages) {
      const locked = packages.get(packageKey(one)) ?? { package: one, layers: {} }
      locked.layers[variant] = assignment.get(packageKey(one)) ?? 0
      packages.set(packageKey(one), locked)
    }
  }
  const inOrder = [...packages.values()].sort((left, right) => compareLocked(left.package, right.package))
  return { packages: inOrder.map(lockedPackage), derived: [] }
}

/** The layers that a lock gave a variant's packages; `undefined` when it does not know the variant. */
function assignmentOf(lock: Lock, platform: string, variant: string): LayerAssignment | undefined {
  const packages = packagesOf(lock, platform, variant)
  if (packages.length === 0) return undefined
  return new Map(packages.map((one) => [packageKey(one), one.layers[variant] ?? 0]))
}

function lockedPackage(one: {
  readonly package: ArchivePackage
  readonly layers: Readonly<Record<string, number>>
}): LockedPackage {
  const { name, version, architecture, archive, suite, filename, size, digest, source } = one.package
  return { name, version, architecture, archive, suite, filename, size, digest, source, layers: one.layers }
}

function suiteKey({ archive, suite }: ObservedSuite): string {
  return `${archive} ${suite}`
}
