import { packageKey, SHARED_LAYER } from './lock.ts'

/** What decides a package's layer. */
export interface SizedPackage {
  readonly name: string
  readonly architecture: string
  /** Bytes of the .deb. */
  readonly size: number
}

/** Layer numbers by `packageKey`. */
export type LayerAssignment = ReadonlyMap<string, number>

/**
 * Gives every package its layer: the biggest get one each, numbered from 1, the rest share `SHARED_LAYER`. Two of the
 * budget are for the shared layer and the last one.
 *
 * With a previous assignment (of the same variant before an update, or of the runtime for a variant above it) as little
 * as possible moves, because each move changes layers that nobody patched: packages keep their layer; new ones, biggest
 * first, take the numbers that are free. When none is free a new package goes to the shared layer, which changes by that
 * anyway; so if it is bigger than the smallest package that has a layer of its own, the two change places.
 */
export function assignLayers(
  packages: readonly SizedPackage[],
  budget: number,
  previous: LayerAssignment = new Map(),
): LayerAssignment {
  const singles = Math.max(0, budget - 2)
  const bySize = [...packages].sort(
    (left, right) => right.size - left.size || (packageKey(left) < packageKey(right) ? -1 : 1),
  )
  const assignment = new Map<string, number>()
  const owners = new Map<number, SizedPackage>()
  const give = (one: SizedPackage, number: number) => {
    assignment.set(packageKey(one), number)
    if (number !== SHARED_LAYER) owners.set(number, one)
  }
  const added: SizedPackage[] = []
  for (const one of bySize) {
    const number = previous.get(packageKey(one))
    if (number === undefined) added.push(one)
    else give(one, number <= singles && !owners.has(number) ? number : SHARED_LAYER)
  }
  let free = 1
  for (const one of added) {
    while (owners.has(free)) free++
    if (free <= singles) {
      give(one, free)
      continue
    }
    const [number, smallest] = smallestOwner(owners)
    if (smallest === undefined || one.size <= smallest.size) {
      give(one, SHARED_LAYER)
      continue
    }
    give(smallest, SHARED_LAYER)
    give(one, number)
  }
  return assignment
}

function smallestOwner(owners: ReadonlyMap<number, SizedPackage>): [number, SizedPackage | undefined] {
  let found: [number, SizedPackage | undefined] = [SHARED_LAYER, undefined]
  for (const [number, owner] of owners) {
    if (found[1] === undefined || owner.size < found[1].size || (owner.size === found[1].size && number > found[0])) {
      found = [number, owner]
    }
  }
  return found
}
