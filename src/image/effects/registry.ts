import { accounts } from './accounts.ts'
import { baseDirectories } from './base-directories.ts'
import { caBundle } from './ca-bundle.ts'
import type { Effect } from './effect.ts'
import { homeDirectories } from './home-directories.ts'
import { mergedUsr } from './merged-usr.ts'

/** Every effect, in the order in which they are applied. */
export const effects: readonly Effect[] = [mergedUsr, baseDirectories, accounts, homeDirectories, caBundle]

/** The effects with one sentence each, in order, for `docs/effects.md`. */
export function effectSummaries(): readonly { readonly name: string; readonly summary: string }[] {
  return effects.map(({ name, summary }) => ({ name, summary }))
}
