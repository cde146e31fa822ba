import type { DocumentPath } from '#core'
import type { Definition, Fragment } from '../definition/definition.ts'
import type { DefinitionFile } from '../definition/resolve-definition.ts'

/** What a search for a declaration looks at: a definition, or a variant's part of one. */
export type SearchedFragment = Fragment & Partial<Definition>

/** Where something is declared: `file:line:column`. */
export type Declared = (fragment: SearchedFragment) => DocumentPath | undefined

/**
 * Finds where a chain of definitions declares something, the last one first, for it has the last word; with `variant` there
 * before the definition itself. `path` gives the place in a fragment's document. `undefined` where nobody declares it.
 */
export function declarationPlace(
  chain: readonly DefinitionFile[],
  path: Declared,
  variant?: string,
): string | undefined {
  for (const { file, definition, locate } of chain.toReversed()) {
    const own = variant === undefined ? undefined : definition.variants[variant]
    const inVariant = own === undefined ? undefined : path(own)
    const inDefinition = path(definition)
    const found = inVariant === undefined ? inDefinition : ['variants', variant ?? '', ...inVariant]
    if (found === undefined) continue
    const place = locate?.(found, 'value')
    return place === undefined ? file : `${file}:${place.line}:${place.column}`
  }
  return undefined
}

/** The place of the member of a list that `matches` says; `at` is the list's way in the document. */
export function memberAt<Member>(
  list: readonly Member[],
  at: DocumentPath,
  matches: (member: Member) => boolean,
): DocumentPath | undefined {
  const index = list.findIndex(matches)
  return index < 0 ? undefined : [...at, index]
}
