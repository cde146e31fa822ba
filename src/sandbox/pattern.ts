import { createRequire } from 'node:module'
import { messageOf } from '#core'

declare const brand: unique symbol

/**
 * A regular expression in RE2's syntax (Go's `regexp`), checked. It is searched for in time linear in the text, so that no
 * pattern and no program's output can hold a test up. Lookaround and back references do not exist in it.
 */
export type Pattern = string & { readonly [brand]: 'Pattern' }

/** Characters of a pattern. */
const LONGEST = 2000
/** Instructions of a compiled pattern: the time for a text is bounded by their number times its length. */
const LARGEST = 1000
const LINES = '(?m)'

/** Reads a pattern. Gives why it cannot be used, in plain words, as `fault`. */
export function readPattern(text: string): { readonly pattern: Pattern } | { readonly fault: string } {
  if (text.length > LONGEST) return { fault: `a pattern has at most ${LONGEST} characters` }
  try {
    const size = compile(text).programSize()
    if (size > LARGEST) return { fault: `it is too large: ${size} steps compiled, want at most ${LARGEST}` }
  } catch (error) {
    return { fault: `${messageOf(error).replace(/^error parsing regexp: /, '')}${advice(text)}` }
  }
  return isChecked(text) ? { pattern: text } : { fault: 'it is no pattern' }
}

/** The same, `^` and `$` being where lines begin and end. */
export function readLinePattern(text: string): ReturnType<typeof readPattern> {
  return readPattern(`${LINES}${text}`)
}

/** Whether a pattern is found anywhere in a text. */
export function isFoundIn(text: string, pattern: Pattern): boolean {
  return compile(pattern).test(text)
}

/** A pattern as its author wrote it, between slashes. */
export function formatPattern(pattern: Pattern): string {
  return `/${pattern.startsWith(LINES) ? pattern.slice(LINES.length) : pattern}/`
}

/** The brand stands for what `readPattern` has checked. */
function isChecked(_text: string): _text is Pattern {
  return true
}

/** What writers of JavaScript's regular expressions will miss, and how it is said here. */
function advice(text: string): string {
  if (/\(\?<?[=!]/.test(text)) return '; RE2 has no lookaround: give a list of patterns, each of which must be found'
  if (text.includes('[^]')) return '; for any character at all write (?s:.)'
  if (/\\[1-9]/.test(text)) return '; RE2 has no back references'
  return ''
}

/** The library is loaded when the first pattern is: builds know this module too, and have none. */
let library: typeof import('re2js') | undefined

function compile(text: string): import('re2js').RE2JS {
  library ??= load()
  return library.RE2JS.compile(text)
}

function load(): typeof import('re2js') {
  return createRequire(import.meta.url)('re2js')
}
