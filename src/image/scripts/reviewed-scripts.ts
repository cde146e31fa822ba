import type { ScriptAction } from './action.ts'

/** A maintainer script that a person has read, by its SHA-256. */
export interface ReviewedScript {
  readonly class: 'covered' | 'needless'
  /** What it does and why an image does without, or which effect does it. */
  readonly by: string
  /** What effects shall do for it, where the effect does not find out by itself. */
  readonly actions?: (package_: string) => readonly ScriptAction[]
}
export const reviewedScripts: ReadonlyMap<string, ReviewedScript> = new Map()
