import type { DefinedPath, EffectiveDefinition } from '../definition/definition.ts'
import type { DefinitionFile } from '../definition/resolve-definition.ts'
import type { LockedPackage } from '../lock/lock.ts'
import { packageKey } from '../lock/lock.ts'
import type { Tree, TreeEntry } from '../tree.ts'
import { type Declared, declarationPlace } from './declaration-places.ts'

/** An overlay and its base while they become one image: who says what, in the words of messages. */
export interface StackSides {
  readonly overlay: EffectiveDefinition
  readonly base: EffectiveDefinition
  /** The paths of the base's definition, what it takes in among them. */
  readonly basePaths: ReadonlyMap<string, DefinedPath>
  /** The base's files, as it is without the overlay. */
  readonly baseTree: Tree
  /** The bytes of a file of the base. */
  readBase(path: string): Uint8Array
  /** `overlay app (casemate.yaml:7:5)`. */
  at(declared: Declared): string
  /** `base python`, or the overlay with the place where it declares a path. */
  ownerOf(package_: { readonly name: string; readonly architecture: string }): string
  /** Who put a path into the image: `package tzdata 2026a of base python`. */
  originOf(entry: TreeEntry): string
}

/** What is known of both sides. */
export interface SidesInput {
  readonly overlay: EffectiveDefinition
  readonly base: EffectiveDefinition
  readonly basePaths: readonly DefinedPath[]
  readonly assembly: { readonly tree: Tree; read(path: string): Uint8Array }
  readonly packages: readonly LockedPackage[]
  readonly basePackages: readonly LockedPackage[]
  /** The files of both, for places; may be empty. */
  readonly chain: readonly DefinitionFile[]
}

/** Gives both sides their names. */
export function stackSides(input: SidesInput): StackSides {
  const { overlay, base, assembly, packages, basePackages, chain } = input
  const below = new Set(basePackages.map(packageKey))
  const names = { overlay: `overlay ${overlay.image}`, base: `base ${base.image}` }
  const own = chain.filter(({ definition }) => definition.image === overlay.image)
  const ownerOf: StackSides['ownerOf'] = (one) => (below.has(packageKey(one)) ? names.base : names.overlay)
  return {
    overlay,
    base,
    basePaths: new Map(input.basePaths.map((declared) => [declared.path, declared])),
    baseTree: assembly.tree,
    readBase: (path) => assembly.read(path),
    ownerOf,
    at(declared) {
      const place = declarationPlace(own, declared, overlay.variant)
      return place === undefined ? names.overlay : `${names.overlay} (${place})`
    },
    originOf({ origin, path }) {
      if (origin.kind === 'definition') return names.overlay
      if (origin.kind === 'effect') {
        const isBase = assembly.tree.get(path) !== undefined
        return `effect ${origin.name} of ${isBase ? names.base : names.overlay}`
      }
      const one = packages.find(({ name }) => name === origin.name)
      if (one === undefined) return `package ${origin.name}`
      return `package ${one.name} ${one.version} of ${ownerOf(one)}`
    },
  }
}
