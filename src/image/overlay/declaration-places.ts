import type { DocumentPath } from '#core'
import type { Definition, Fragment } from '../definition/definition.ts'
import type { DefinitionFile } from '../definition/resolve-definition.ts'

/** What a search for a declaration looks at: a definition, or a variant's part of one. */
export type SearchedFragment = Fragment & Partial<Definition>

/** Where something is declared: `file:line:column`. */
export type Declared = (fragment: SearchedFragment) => DocumentPath | undefined

/** A declaration that was found. */
export interface FoundDeclaration {
  readonly file: string
  /** The image of that file. */
  readonly image: string
  /** `file:line:column`, or the file alone. */
  readonly place: string
}

/** Where else to look than in the definitions of a chain. */
export interface DeclarationSearch {
  readonly variant?: string | undefined
  /** The files whose definitions themselves count; all of the chain unless given. */
  readonly definitions?: readonly DefinitionFile[]
}

/**
 * Finds where a chain of definitions declares something, the last one first, for it has the last word; all of the chain's parts
 * for `variant` come before the definitions themselves, above which they are laid. `path` gives the place in a fragment's
 * document. `undefined` where nobody declares it.
 */
export function findDeclaration(
  chain: readonly DefinitionFile[],
  path: Declared,
  { variant, definitions = chain }: DeclarationSearch = {},
): FoundDeclaration | undefined {
  const lastFirst = chain.toReversed()
  const inVariants = lastFirst.map((one) => {
    const own = variant === undefined ? undefined : one.definition.variants[variant]
    const found = own === undefined ? undefined : path(own)
    return found === undefined ? undefined : placed(one, ['variants', variant ?? '', ...found])
  })
  const inDefinitions = definitions.toReversed().map((one) => {
    const found = path(one.definition)
    return found === undefined ? undefined : placed(one, found)
  })
  return [...inVariants, ...inDefinitions].find((found) => found !== undefined)
}

/** The place of what `findDeclaration` finds. */
export function declarationPlace(
  chain: readonly DefinitionFile[],
  path: Declared,
  variant?: string,
): string | undefined {
  return findDeclaration(chain, path, { variant })?.place
}

function placed({ file, definition, locate }: DefinitionFile, path: DocumentPath): FoundDeclaration {
  const place = locate?.(path, 'value')
  const text = place === undefined ? file : `${file}:${place.line}:${place.column}`
  return { file, image: definition.image, place: text }
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
