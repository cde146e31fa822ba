import { type ClassifiedPackage, classifyScripts } from '../scripts/classify-scripts.ts'
import type { Tree } from '../tree.ts'
import type { Effect, EffectContext, EffectInput } from './effect.ts'
import { type EffectChange, Overlay } from './overlay.ts'
import { effects } from './registry.ts'

/** What all effects together do to an image. */
export interface EffectsResult {
  /** Every path that effects wrote, changed or took away, in code-unit order; each once, as it stands in the end. */
  readonly changes: readonly EffectChange[]
  /** The tree of packages with the changes in it. */
  readonly tree: Tree
  /** The bytes of a regular file or hard link of `tree`, by the path that `tree.resolve` gives. */
  read(path: string): Uint8Array
  /** Every package that has maintainer scripts, in name order, with what became of them. */
  readonly scripts: readonly ClassifiedPackage[]
}

/**
 * Applies effects in their order; each sees what the earlier ones did. Throws `EFFECT_CONFLICT`, naming both sides, when
 * one would overwrite a package's path without removing it first, or another effect's.
 */
export function applyEffects(input: EffectInput, ordered: readonly Effect[] = effects): EffectsResult {
  const overlay = new Overlay(input.tree, input.read, input.epoch)
  const read = (path: string) => overlay.read(path)
  const scripts = input.packages
    .map(({ package: { name }, control }) => {
      return classifyScripts(
        { package: name, architecture: input.architecture, tree: input.tree },
        control,
        input.acknowledgedScripts,
      )
    })
    .filter((classified) => classified.scripts.length > 0)
  const actions = scripts.flatMap((classified) => classified.scripts.flatMap((script) => script.actions))
  const context: EffectContext = { ...input, tree: overlay, read, actions }
  for (const effect of ordered) overlay.apply(effect.name, effect.apply(context))
  return { changes: overlay.changes, tree: overlay, read, scripts }
}
