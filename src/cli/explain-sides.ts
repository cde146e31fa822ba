import {
  type EffectiveDefinition,
  findDeclaration,
  type Lock,
  type LockedPackage,
  memberAt,
  type OpenedDefinition,
  packageKey,
  packagesOf,
} from '#image'
import { relativePlace } from './relative-place.ts'

/** Whose something in an image is: the definition's, its base's, or its own. */
export interface ExplainSides {
  /** `base python` or `overlay app`; `undefined` where nothing is stacked. */
  ofPackage(one: Pick<LockedPackage, 'name' | 'architecture'>): string | undefined
  /** Who declares a path, with the place; `undefined` where no definition does. */
  ofPath(path: string): string | undefined
  /** Why an overlay removes a package; `undefined` where it does not. */
  removal(name: string): string | undefined
}

/** Tells the sides of one variant apart. */
export function explainSides(
  { definition: { chain, base: below } }: OpenedDefinition,
  { image, variant, base, remove }: EffectiveDefinition,
  { lock, platform }: { lock: Lock; platform: string },
): ExplainSides {
  const basePackages = new Set(
    lock.base === undefined ? [] : packagesOf(lock.base.lock, platform, variant).map(packageKey),
  )
  const baseFiles = new Set(below?.chain.map(({ file }) => file))
  return {
    ofPackage(one) {
      if (base === undefined) return undefined
      return basePackages.has(packageKey(one)) ? `base ${base.image}` : `overlay ${image}`
    },
    ofPath(path) {
      const declared = findDeclaration(chain, ({ paths }) => memberAt(paths, ['paths'], (one) => one.path === path), {
        variant,
      })
      if (declared === undefined) return undefined
      const who = base === undefined ? '' : `${baseFiles.has(declared.file) ? 'base' : 'overlay'} ${declared.image}, `
      return who + relativePlace(declared.place)
    },
    removal: (name) => remove?.[name],
  }
}
