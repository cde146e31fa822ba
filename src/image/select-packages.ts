import type { Universe } from '#debian'
import { type Selection, solve } from '#solver'
import type { EffectiveDefinition } from './definition/definition.ts'
import type { ResolvedDefinition } from './definition/resolve-definition.ts'

/** The packages of every variant of a definition for one architecture, or why there are none. */
export type VariantSelections =
  | { readonly kind: 'selected'; readonly variants: ReadonlyMap<string, Selection> }
  | { readonly kind: 'impossible'; readonly variant: string; readonly reasons: readonly string[] }

const PACKAGE_MANAGER = 'dpkg'

/**
 * Selects the packages of all variants in one universe: the runtime first, every other variant as a superset of it in
 * the same versions. `without` holds for variants without dpkg only: one that turns out to contain it gets the left-out
 * packages back, because dpkg's database must describe a whole system. Throws `SOLVER_LIMIT`.
 */
export function selectPackages(universe: Universe, definition: ResolvedDefinition): VariantSelections {
  const variants = new Map<string, Selection>()
  let base: Selection | undefined
  for (const [variant, effective] of definition.variants) {
    const solution = selectVariant(universe, effective, base)
    if (solution.kind === 'impossible') return { kind: 'impossible', variant, reasons: solution.reasons }
    variants.set(variant, solution.selection)
    base ??= solution.selection
  }
  return { kind: 'selected', variants }
}

function selectVariant(universe: Universe, effective: EffectiveDefinition, runtime: Selection | undefined) {
  const without = Object.entries(effective.without).map(([name, reason]) => ({ name, reason }))
  const base = runtime === undefined ? {} : { base: runtime }
  const solution = solve(universe, effective.packages, { ...base, without })
  if (without.length === 0 || solution.kind === 'impossible') return solution
  const holdsPackageManager = solution.selection.packages.some((selected) => selected.name === PACKAGE_MANAGER)
  return holdsPackageManager ? solve(universe, effective.packages, base) : solution
}
