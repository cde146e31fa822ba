import { nearest } from '#core'
import type { ArchivePackage, Universe } from '#debian'
import { explainPackage, type Selection, solve } from '#solver'
import type { EffectiveDefinition } from './definition/definition.ts'
import type { ResolvedDefinition } from './definition/resolve-definition.ts'
import { packageKey } from './lock/lock.ts'
import { type Conflict, conflictError } from './overlay/conflict.ts'
import { keptPackages } from './overlay/kept-packages.ts'

/** The packages of every variant of a definition for one architecture, or why there are none. */
export type VariantSelections =
  | { readonly kind: 'selected'; readonly variants: ReadonlyMap<string, Selection> }
  | { readonly kind: 'impossible'; readonly variant: string; readonly reasons: readonly string[] }

const PACKAGE_MANAGER = 'dpkg'
/** What the solver calls packages that must be in a selection. */
const BASE_SELECTION = 'the base selection'

/**
 * Selects the packages of all variants in one universe: the runtime first, every other variant as a superset of it in
 * the same versions. `without` holds for variants without dpkg only: one that turns out to contain it gets the left-out
 * packages back, because dpkg's database must describe a whole system.
 * With `below`, the packages of an overlay's base by variant, those stay, each in its version, but for what the overlay
 * removes, leaves out or names itself. Throws `SOLVER_LIMIT`, and `OVERLAY_CONFLICT` for a package to remove that the base
 * does not have.
 */
export function selectPackages(
  universe: Universe,
  definition: ResolvedDefinition,
  below: ReadonlyMap<string, readonly ArchivePackage[]> = new Map(),
): VariantSelections {
  refuseUnknownRemovals(definition, below)
  const variants = new Map<string, Selection>()
  let runtime: Selection | undefined
  for (const [variant, effective] of definition.variants) {
    const packages = below.get(variant)
    const kept = packages === undefined ? [] : keptPackages(packages, effective, universe)
    const solution = selectVariant(universe, effective, togetherOf(runtime, kept, universe.architecture))
    const reasons = solution.kind === 'impossible' ? solution.reasons : removedButNeeded(effective, solution.selection)
    // Above the runtime of the image itself the solver's base is more than the overlay's.
    const base = runtime === undefined && effective.base !== undefined ? `base ${effective.base.image}` : BASE_SELECTION
    if (solution.kind === 'impossible' || reasons.length > 0) {
      const told = reasons.map((reason) => reason.replaceAll(BASE_SELECTION, base))
      return { kind: 'impossible', variant, reasons: [...told, ...waysOut(effective)] }
    }
    variants.set(variant, solution.selection)
    runtime ??= solution.selection
  }
  return { kind: 'selected', variants }
}

function selectVariant(universe: Universe, effective: EffectiveDefinition, below: Selection | undefined) {
  // What the base got back with its package manager, or has for another reason, stays.
  const there = new Set(below?.packages.map(({ name }) => name))
  const without = Object.entries(effective.without)
    .filter(([name]) => !there.has(name))
    .map(([name, reason]) => ({ name, reason }))
  const base = below === undefined ? {} : { base: below }
  const solution = solve(universe, effective.packages, { ...base, without })
  if (without.length === 0 || solution.kind === 'impossible') return solution
  const holdsPackageManager = solution.selection.packages.some((selected) => selected.name === PACKAGE_MANAGER)
  return holdsPackageManager ? solve(universe, effective.packages, base) : solution
}

/** What a variant must contain: the runtime of its own image, and what is kept of the base. */
function togetherOf(
  runtime: Selection | undefined,
  kept: readonly ArchivePackage[],
  architecture: string,
): Selection | undefined {
  if (kept.length === 0) return runtime
  const packages = new Map([...kept, ...(runtime?.packages ?? [])].map((one) => [packageKey(one), one]))
  return { architecture, requests: runtime?.requests ?? [], packages: [...packages.values()], leftOut: [] }
}

/** What a removal would take along is asked for no more, so the solver's chain tells who needs it all the same. */
function removedButNeeded({ remove = {}, base }: EffectiveDefinition, selection: Selection): readonly string[] {
  return Object.entries(remove).flatMap(([name, reason]) => {
    if (!selection.packages.some((one) => one.name === name)) return []
    const chain = explainPackage(selection, name) ?? []
    const [needs, at] = [chain.at(-2), chain.at(-1)]
    const by = needs === undefined ? 'it is asked for' : `${needs.package.name} ${needs.package.version} needs it`
    const field = at?.field === undefined ? '' : ` (${at.field}: ${at.relation})`
    return [`${name} of base ${base?.image} shall be removed (${reason}), and ${by}${field}`]
  })
}

function waysOut({ base, remove, image }: EffectiveDefinition): readonly string[] {
  if (base === undefined) return []
  const removing =
    remove === undefined ? '' : ', remove what needs it as well, or say `without` to leave it out all the same'
  return [
    `ways out: name a package of base ${base.image} in \`packages\` of ${image} to let it move${removing}, or update the base first`,
  ]
}

function refuseUnknownRemovals(
  { merged: { remove, image }, base }: ResolvedDefinition,
  below: ReadonlyMap<string, readonly ArchivePackage[]>,
): void {
  if (base === undefined) return
  const known = new Set([...below.values()].flatMap((packages) => packages.map(({ name }) => name)))
  const conflicts = Object.entries(remove).flatMap(([name, reason]): Conflict[] => {
    if (known.has(name)) return []
    const near = nearest(name, [...known])
    const sides = `overlay ${image} removes ${name} (${reason}), base ${base.image} does not have it`
    return [{ kind: 'remove', sides, waysOut: near === undefined ? 'leave it out' : `did you mean ${near}?` }]
  })
  if (conflicts.length > 0) throw conflictError(image, base.image, conflicts)
}
