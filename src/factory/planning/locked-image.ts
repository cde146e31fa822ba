import type { Lock, ResolvedDefinition } from '#image'
import type { Request } from '#solver'
import type { FleetImage } from './fleet.ts'

/**
 * An image of a fleet by its definition and its lock, before its first release. `has` tells which images the fleet has: on what is
 * none of its own, an image stands by itself.
 */
export function lockedImage(
  definition: ResolvedDefinition,
  lock: Lock | undefined,
  has: (image: string) => boolean,
): FleetImage {
  const contents = Object.entries(lock?.platforms ?? {}).map(([platform, { packages }]) => {
    const held = packages.map(({ archive, name, version, architecture, source }) => {
      return { archive, name, version, architecture, source: { name: source.name, version: source.version } }
    })
    return [platform, held] as const
  })
  const parent = definition.base?.image
  return {
    image: definition.image,
    parent: parent !== undefined && has(parent) ? parent : undefined,
    requests: ownRequests(definition),
    contents: new Map(contents),
    released: undefined,
  }
}

/** What a definition asks for with all that it extends, in every variant, without what it stacks on. */
function ownRequests({ chain, base }: ResolvedDefinition): readonly Request[] {
  return chain
    .slice(base?.chain.length ?? 0)
    .flatMap(({ definition }) => [definition, ...Object.values(definition.variants)])
    .flatMap(({ packages }) => packages)
}
