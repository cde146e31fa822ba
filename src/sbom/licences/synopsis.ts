/** What a License field's first line says: names, joined by `and` and `or` (copyright-format 1.0, "License syntax"). */
export type Synopsis =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Synopsis[] }

/** Longest first line that is read; beyond it stands no list of short names. */
export const LONGEST_SYNOPSIS = 2000

/**
 * Reads a first line. `and` binds stronger than `or`, and a comma before either makes it the weakest. Gives `undefined` for
 * what is no list of names, such as the first line of a licence's text.
 */
export function parseSynopsis(line: string): Synopsis | undefined {
  const plain = line
    .slice(0, LONGEST_SYNOPSIS + 1)
    .replace(/_(and|or)_/gi, ' $1 ')
    .replace(/\s*[|]+\s*/g, ' or ')
    .replace(/[\s;.,]+$/, '')
    .replace(/\s+/g, ' ')
    .trim()
  if (plain === '' || plain.length > LONGEST_SYNOPSIS || /[()]/.test(plain)) return undefined
  const groups = plain.split(/, (and|or) /i)
  if (groups.length === 1) return listOf(plain)
  const words = new Set(groups.filter((_, index) => index % 2 === 1).map((word) => word.toLowerCase()))
  const parts = groups.filter((_, index) => index % 2 === 0).map(listOf)
  if (words.size > 1 || !parts.every((part) => part !== undefined)) return undefined
  return { kind: words.has('and') ? 'and' : 'or', parts }
}

/** `a, b and c` is read as `a and b and c`, the same with `or`; commas alone say nothing about which is meant. */
function listOf(text: string): Synopsis | undefined {
  const words = new Set([...text.matchAll(/ (and|or) /gi)].map(([, word = '']) => word.toLowerCase()))
  if (text.includes(',') && words.size !== 1) return undefined
  const plain = text.replaceAll(/, ?/g, ` ${[...words][0]} `)
  return split(plain, 'or', (choice) => split(choice, 'and', nameOf))
}

function split(text: string, kind: 'and' | 'or', inner: (part: string) => Synopsis | undefined): Synopsis | undefined {
  const parts = text.split(new RegExp(` (?:${kind === 'or' ? 'or|and/or' : 'and'}) `, 'i')).map(inner)
  if (!parts.every((part) => part !== undefined)) return undefined
  const [first] = parts
  return parts.length === 1 ? first : { kind, parts }
}

/** A short name is one word, with `with NAME exception` behind it perhaps; more words are prose. */
function nameOf(text: string): Synopsis | undefined {
  const name = text.trim()
  const [short = ''] = name.split(/[ -]with[ -]/i)
  return /^\S+( licen[sc]e)?$/i.test(short) && name.length <= 100 ? { kind: 'name', name } : undefined
}
