import { ImageError } from '../errors.ts'
import type { DerivedEffect } from './derived-effect.ts'
import { localeArchive } from './locale-archive.ts'
import { pythonBytecode } from './python-bytecode.ts'

/** Every derived effect, in the order of their layers. */
export const derivedEffects: readonly DerivedEffect[] = [localeArchive, pythonBytecode]

/** The derived effects of these names, in their order. Throws `EFFECT_INVALID` for a name that none has. */
export function derivedEffectsNamed(names: readonly string[]): readonly DerivedEffect[] {
  const unknown = names.find((name) => derivedEffects.every((effect) => effect.name !== name))
  if (unknown === undefined) return derivedEffects.filter(({ name }) => names.includes(name))
  throw new ImageError('EFFECT_INVALID', `cannot derive ${unknown}: this Casemate has no such effect`)
}
