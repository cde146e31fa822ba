import { digestOf, hexOf } from '#core'
import { gnuId } from './short-names.ts'
import { type Step, TEXT_RULES, type TextRule } from './text-rules.ts'

/** A licence found in a text. */
export interface FoundLicence {
  readonly id: string
  /** By what: `its text`, `a grant`, `/usr/share/common-licenses/Apache-2.0`. */
  readonly by: string
}

/** What a text says of licences. */
export interface RecognisedText {
  /** Each id once, in no particular order. */
  readonly found: readonly FoundLicence[]
  /** Beginnings of sentences that grant something and belong to no licence that was found: to keep the text for. */
  readonly statements: readonly string[]
  /** Why `found` may be wrong or not the whole: choices, exceptions, grants without a version. */
  readonly unclear: readonly string[]
  /** The words that no licence has taken, in the form of `wordsOf`. */
  readonly rest: string
  /** The paragraphs that put something into the public domain; empty where none does. */
  readonly publicDomain: string
}

/** A licence's text that has been looked at once, however many names it stands for. */
export interface LicenceText {
  readonly text: string
  /** The digest of its words: layout and punctuation do not make another text. */
  readonly digest: string
  readonly recognised: RecognisedText
}

/** Makes a reader that looks at each text once. */
export function licenceTextReader(): (text: string) => LicenceText {
  const known = new Map<string, LicenceText>()
  return (text) => {
    const before = known.get(text)
    if (before !== undefined) return before
    const made = { text, digest: hexOf(digestOf(wordsOf(text))), recognised: recogniseText(text) }
    known.set(text, made)
    return made
  }
}

/** Longest text that is looked at, in characters. */
const LONGEST = 2 ** 22
const TAKEN = ' § '
const DIRECT = new Set(['Apache-2.0', 'CC0-1.0', 'MPL-1.1', 'MPL-2.0'])

/** Finds well-known licences in a text by what they say, by GNU grants, and by what it refers to in /usr/share/common-licenses. */
export function recogniseText(text: string): RecognisedText {
  if (text.length > LONGEST)
    return { found: [], statements: [], unclear: ['it is too long to be looked at'], rest: '', publicDomain: '' }
  const found = new Map<string, string>()
  let words = wordsOf(text)
  for (const rule of TEXT_RULES) {
    const left = take(words, rule)
    if (left !== words) found.set(rule.id, 'its text')
    words = left
  }
  const unclear: string[] = []
  words = words.replace(DOCUMENTATION, (whole: string, version: string, tail: string) => {
    const family = FREE_OF_INVARIANTS.test(tail) ? 'GFDL-NIV' : 'GFDL'
    const id = gnuId(family, version, LATER.test(tail.slice(0, 40)))
    if (id === undefined) return whole
    found.set(id, 'a grant')
    return TAKEN
  })
  const grants = grantsIn(words)
  for (const id of grants.ids) found.set(id, 'a grant')
  if (found.has('GPL-3.0-or-later') && words.includes('gcc runtime library exception version 3.1'))
    found.set('GPL-3.0-or-later WITH GCC-exception-3.1', 'a grant')
  const references = new Set(
    [...text.matchAll(/common-licenses\/([A-Za-z0-9.+-]*[A-Za-z0-9])/g)].map(([, name = '']) => name),
  )
  for (const reference of references) {
    if (DIRECT.has(reference)) found.set(reference, `/usr/share/common-licenses/${reference}`)
    else if (reference === 'Artistic') found.set('Artistic-1.0-Perl', '/usr/share/common-licenses/Artistic')
    else if (!isExplained(reference, [...found.keys()]) && !(reference === 'BSD' && found.has('BSD-3-Clause')))
      unclear.push(`refers to /usr/share/common-licenses/${reference} without saying which versions are meant`)
  }
  if (grants.ids.length === 0 && references.size === 0 && grants.isNamed)
    unclear.push('names a GNU licence without a version')
  unclear.push(...doubtsIn(words), ...mentionsIn(words, [...found.keys()]))
  const rest = words
  const statements = statementsIn(rest)
  const list = [...found].map(([id, by]) => ({ id, by }))
  return { found: list, statements, unclear, rest, publicDomain: publicDomainIn(text) }
}

/**
 * Brings a text into the form that rules are written in: lower case, single spaces, no punctuation but dots inside of words
 * and plus signs, words joined that a line break has cut.
 */
export function wordsOf(text: string): string {
  return text
    .replace(/([a-z])-[ \t\r]*\n[ \t*#>|/]*([a-z])/g, '$1$2')
    .toLowerCase()
    .replace(/['’‘`´"“”]/g, '')
    .replace(/\.{2,}/g, ' ')
    .replace(/[^a-z0-9.+§]+/g, ' ')
    .replace(/\.(?= |$)|(?<= |^)\./g, '')
    .replace(/ +/g, ' ')
}

/** Takes a rule's text out wherever it stands. */
function take(words: string, { steps }: TextRule): string {
  const [[, ...starts] = [0], ...others] = steps
  return starts.reduce((left, start) => takeFrom(left, start, others), words)
}

/** A step is looked for once, behind the one before it, and near: no going back, so the time is linear in the words. */
function takeFrom(words: string, start: string, steps: readonly Step[]): string {
  const pieces: string[] = []
  let kept = 0
  for (let at = words.indexOf(start); at >= 0; ) {
    let end: number | undefined = at + start.length
    const next = end
    for (const [within, ...texts] of steps) {
      end = end === undefined ? undefined : nearestEnd(words, { texts, from: end, to: end + within })
    }
    if (end !== undefined) {
      pieces.push(words.slice(kept, at), TAKEN)
      kept = end
    }
    at = words.indexOf(start, end ?? next)
  }
  return pieces.length === 0 ? words : [...pieces, words.slice(kept)].join('')
}

interface Place {
  readonly texts: readonly string[]
  readonly from: number
  /** The last place at which a text may begin. */
  readonly to: number
}

function nearestEnd(words: string, { texts, from, to }: Place): number | undefined {
  let best = Number.POSITIVE_INFINITY
  let end: number | undefined
  for (const text of texts) {
    const index = words.slice(from, to + text.length).indexOf(text)
    if (index < 0 || index >= best) continue
    best = index
    end = from + index + text.length
  }
  return end
}

/** As the GNU Free Documentation License says how to use it. */
const DOCUMENTATION =
  /(?:permission is granted to copy distribute and or modify (?:this|the) (?:\w+ ){1,3}under the terms of the )?gnu free documentation license version (\d\.\d)((?: [^ ]+){0,28})/g
const FREE_OF_INVARIANTS = /(?:with |there are )no invariant sections/

const FAMILIES: Readonly<Record<string, string>> = {
  lesser: 'LGPL',
  library: 'LGPL',
  affero: 'AGPL',
  l: 'LGPL',
  a: 'AGPL',
}
const NAMED = /\bgnu (?:(lesser|library|affero)(?: or library| or lesser)? )?(?:general )?public licen[sc]e/g
const LATER = /\b(?:or|and)(?: at your option| at your choice| if you prefer)?(?: any)? (?:later|newer)\b/

/** GNU grants: a licence with its version, and whether later versions are allowed. */
function grantsIn(words: string): { ids: readonly string[]; isNamed: boolean } {
  const ids = new Set<string>()
  let isNamed = false
  for (const match of words.matchAll(NAMED)) {
    isNamed = true
    const after = words.slice(match.index + match[0].length, match.index + match[0].length + 260).split('gnu ')[0] ?? ''
    const before = words.slice(Math.max(0, match.index - 90), match.index)
    // "The text of the GPL version 3 can be found in …" tells where a text is, not which versions are granted.
    if (/\b(?:texts?|copy|copies) of (?:the |version \d(?:\.\d)? of the )*$/.test(before) && /\bfound\b/.test(after))
      continue
    const family = FAMILIES[match[1] ?? ''] ?? 'GPL'
    const version =
      /^(?: [^ ]+){0,14}? (?:version|v) ?(\d(?:\.\d)?)\b(.*)/.exec(after) ??
      /\bversion (\d(?:\.\d)?)\b((?: \S+){0,12} of the )$/.exec(before)
    if (version === null) continue
    const [, number = '', tail = ''] = version
    const id = gnuId(family, number, LATER.test(tail.slice(0, 90)))
    if (id !== undefined) ids.add(id)
  }
  for (const [, letter = '', number = '', later] of words.matchAll(
    /\b(l|a)?gpl(?: (?:version|v) ?| ?v ?| )?(\d(?:\.\d)?)(\+| or (?:any )?(?:later|newer))/g,
  )) {
    const id = gnuId(FAMILIES[letter] ?? 'GPL', number, later !== undefined)
    if (id !== undefined) ids.add(id)
  }
  return { ids: [...ids], isNamed }
}

/** `GPL-2` is explained by any grant of that family from that version, `GPL` by any of the family. */
function isExplained(reference: string, ids: readonly string[]): boolean {
  const [, family = '', version = ''] = /^(L?GPL|AGPL|GFDL)(?:-(\d(?:\.\d)?))?/.exec(reference) ?? []
  if (family === '') return false
  return ids.some(
    (id) =>
      id.startsWith(`${family}-`) &&
      (version === '' || id.endsWith('-or-later') || id.startsWith(`${family}-${version}`)),
  )
}

const CHOICE =
  /\b(?:dual licen[sc]|either the gnu|either of the following|at your choice|your choice of|alternatively th)/
const STATEMENTS =
  /\b(?:redistribution and use|permission is (?:hereby )?granted|permission to (?:use|copy|make)|is hereby licensed|may be freely|may be used freely|use it freely|permitted provided|except as contained in this notice)\b/g
/** What changes a grant, or names one that is not here. */
const ELSEWHERE =
  /\b(?:mozilla public|apache licen|creative commons|artistic licen|free documentation licen|cc by|special exception|(?:autoconf|libtool|bison|openssl|runtime|linking) exception|same licen[sc]e as the (?!package|upstream|program|software|library|source|original))\b/g
const SHOWN = 80
const MOST = 20

/** Sentences that grant something and belong to no licence that was found. */
function statementsIn(rest: string): string[] {
  return [...rest.matchAll(STATEMENTS)].slice(0, MOST).map(({ index }) => excerpt(rest, index))
}

/** What forbids to read all that was found as one conjunction. */
function doubtsIn(rest: string): string[] {
  const doubts = [...rest.matchAll(ELSEWHERE)].map(
    ({ index }) => `names terms that are not in it or change others: "${excerpt(rest, index)}"`,
  )
  const choice = CHOICE.exec(rest)
  if (choice !== null) doubts.push(`offers a choice: "${excerpt(rest, choice.index)}"`)
  return doubts.slice(0, MOST)
}

function excerpt(rest: string, index: number): string {
  return `${rest.slice(index, index + SHOWN).trim()}…`
}

/** Licences that have many forms, named without saying which one and without any of them being found. */
function mentionsIn(words: string, ids: readonly string[]): string[] {
  const abbreviated = [...words.matchAll(/\b((?:l|a)?gpl) ?v? ?\d/g)].map(([, name = '']) => name)
  const named = [...words.matchAll(/\b(bsd|mit|x11|isc|zlib) (?:style )?licen[sc]e/g)].map(([, name = '']) => name)
  return [...new Set([...named, ...abbreviated])]
    .filter((name) => !ids.some((id) => id.toLowerCase().startsWith(name)))
    .map((name) => `names the ${name.toUpperCase()} licence without its text or version`)
}

function publicDomainIn(text: string): string {
  const paragraphs = text.split(/\n[ \t]*\n/).filter((paragraph) => {
    const words = wordsOf(paragraph)
    return words.includes('public domain') && !/\bnot\b.{0,40}public domain/.test(words)
  })
  return paragraphs.join('\n\n').trim()
}
