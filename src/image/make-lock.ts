import type { ArchivePackage } from '#debian'
import type { Selection } from '#solver'
import { definitionDigest, type ResolvedDefinition } from './definition/resolve-definition.ts'
import { assignLayers, type LayerAssignment } from './lock/assign-layers.ts'
import {
  compareLocked,
  type Lock,
  type LockedBase,
  type LockedPackage,
  type LockedPlatform,
  layersOf,
  type ObservedSuite,
  packageKey,
  packagesOf,
} from './lock/lock.ts'
import { conflictError } from './overlay/conflict.ts'

/** What a lock is made from. */
export interface LockInput {
  readonly definition: ResolvedDefinition
  readonly format: number
  /** By OCI platform, then by variant, the runtime first. */
  readonly selections: ReadonlyMap<string, ReadonlyMap<string, Selection>>
  readonly observed: readonly ObservedSuite[]
  /** The lock that is being updated: its layers stay where they are as far as possible. */
  readonly previous?: Lock
  /** What an overlay stacks on. */
  readonly base?: LockedBase | undefined
}

/** Pins the selected packages of every variant and platform, and gives each its layer. */
export function makeLock({ definition, format, selections, observed, previous, base }: LockInput): Lock {
  const platforms = [...selections].map(([platform, variants]) => {
    return [platform, lockPlatform({ platform, definition, previous, base: base?.lock }, variants)] as const
  })
  const definitions = [...definition.variants].map(([name, variant]) => [name, definitionDigest(variant)] as const)
  return {
    image: definition.image,
    format,
    definitions: Object.fromEntries(definitions),
    platforms: Object.fromEntries(platforms),
    observed: [...observed].sort((left, right) => (suiteKey(left) < suiteKey(right) ? -1 : 1)),
    ...(base === undefined ? {} : { base }),
  }
}

interface PlatformInput {
  readonly platform: string
  readonly definition: ResolvedDefinition
  readonly previous: Lock | undefined
  readonly base: Lock | undefined
}

function lockPlatform(input: PlatformInput, variants: ReadonlyMap<string, Selection>): LockedPlatform {
  const { platform, definition, previous, base } = input
  const packages = new Map<string, { package: ArchivePackage; layers: Record<string, number> }>()
  let runtime: LayerAssignment | undefined
  for (const [variant, selection] of variants) {
    const before = previous === undefined ? undefined : assignmentOf(previous, platform, variant)
    const below = base === undefined ? undefined : assignmentOf(base, platform, variant)
    const own = selection.packages.filter((one) => below?.has(packageKey(one)) !== true)
    const budget = definition.variants.get(variant)?.layerBudget ?? 0
    const room = base === undefined ? budget : roomAbove(base, { platform, variant, budget, image: definition.image })
    const assignment = new Map([...(below ?? []), ...assignLayers(own, room, before ?? runtime)])
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

/** How many layers of the budget are left above a base. Throws `OVERLAY_CONFLICT` when packages have no room. */
function roomAbove(
  base: Lock,
  { platform, variant, budget, image }: { platform: string; variant: string; budget: number; image: string },
): number {
  const used = layerCount(base, platform, variant)
  // One layer for packages, one for all else.
  if (budget - used >= 2) return budget - used
  const sides = `base ${base.image} has ${used} layers, overlay ${image} may have ${budget} with them`
  throw conflictError(image, base.image, [
    { kind: 'layers', sides, waysOut: 'raise `layers: { budget: … }` of the overlay, or lower the one of the base' },
  ])
}

/** All layers of an image: packages, derived effects, the last one, and those below. */
function layerCount(lock: Lock, platform: string, variant: string): number {
  const derived = lock.platforms[platform]?.derived.filter((one) => one.variant === variant).length ?? 0
  const own = layersOf(lock, platform, variant).length + derived + 1
  return lock.base === undefined ? own : own + layerCount(lock.base.lock, platform, variant)
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
