import type { LoadedDefinition, LoadedFragment } from '../definition/definition.ts'
import { mergeDefinitions } from '../definition/merge-definitions.ts'
import type { DefinitionFile, ResolvedDefinition } from '../definition/resolve-definition.ts'
import { conflictError } from './conflict.ts'
import { definitionConflicts } from './definition-conflicts.ts'

/** How many layers an overlay's image may have, those of its base among them; runtimes end at 127. */
const OVERLAY_BUDGET = 60

/**
 * Puts an overlay on its base: as `mergeDefinitions` puts one definition on another, but that what contradicts is an error,
 * and that the overlay is an image of its own team: it inherits neither owner nor the number of layers. A package that it
 * names with a version or a suite takes the place of the base's request for it; one that it removes is asked for no more.
 * Ports belong to the program that listens: an overlay with another entrypoint says them anew.
 * Throws `OVERLAY_CONFLICT` with everything in which both contradict each other. `chain` is where the overlay stands.
 */
export function stackDefinitions(
  base: ResolvedDefinition,
  over: LoadedDefinition,
  chain: readonly DefinitionFile[],
): LoadedDefinition {
  const conflicts = definitionConflicts({ base, over, chain })
  if (conflicts.length > 0) throw conflictError(over.image, base.image, conflicts)
  return {
    ...mergeDefinitions(withoutSettled(base.merged, over), over),
    from: over.from,
    bases: [],
    remove: over.remove,
    owner: over.owner,
    layerBudget: over.layerBudget ?? OVERLAY_BUDGET,
  }
}

/** The base without what the overlay says in its place. */
function withoutSettled(base: LoadedDefinition, over: LoadedDefinition): LoadedDefinition {
  const variants = Object.entries(base.variants).map(([name, variant]) => {
    const own = over.variants[name]
    return [name, settled(variant, own === undefined ? [over] : [over, own], over.remove)] as const
  })
  return { ...base, ...settled(base, [over], over.remove), variants: Object.fromEntries(variants) }
}

function settled(
  base: LoadedFragment,
  over: readonly LoadedFragment[],
  remove: Readonly<Record<string, string>>,
): LoadedFragment {
  const named = new Set(
    over.flatMap(({ packages }) =>
      packages.filter(({ operator, suite }) => operator !== undefined || suite !== undefined).map(({ name }) => name),
    ),
  )
  const saysPorts = over.some(({ entrypoint, contract }) => entrypoint !== undefined && contract.ports !== undefined)
  return {
    ...base,
    packages: base.packages.filter(({ name }) => !named.has(name) && !Object.hasOwn(remove, name)),
    contract: saysPorts ? { ...base.contract, ports: undefined } : base.contract,
  }
}
