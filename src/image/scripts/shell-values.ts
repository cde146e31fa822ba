import type { ShellCommand, Word, WordPart } from './shell-syntax.ts'

/** A text, or `undefined` for one that only running could tell. */
export type ShellValue = string | undefined

/** A longer text counts as unknown. */
const MAXIMUM_VALUE = 1 << 14

/** Where expansions get their values from. */
export interface ShellScope {
  /** The value of a variable or parameter; an unset one is the empty text. */
  parameter(name: string): ShellValue
  /** `$@`, word by word. */
  readonly positional: readonly ShellValue[]
  /** What a command substitution gives, without the line ends at its end. */
  substitute(body: ShellCommand): ShellValue
  /** Accounts for work done, in characters looked at. Throws `SCRIPT_UNREADABLE` when it is too much. */
  spend(characters: number): void
  /** The paths that a pattern matches, in order; empty when there is none. */
  glob(pattern: string): readonly string[]
}

/** Expands a word that stays one word: in an assignment, a case, a redirection (POSIX.1-2024 XCU §2.6). */
export function expandWhole(word: Word, scope: ShellScope): ShellValue {
  let text = ''
  for (const part of word) {
    const value = expandPart(part, scope)
    if (value === undefined) return undefined
    text += value
    scope.spend(1 + value.length)
    if (text.length > MAXIMUM_VALUE) return undefined
  }
  return text
}

/** Expands the words of a command, splitting and matching paths where nothing is quoted. */
export function expandWords(words: readonly Word[], scope: ShellScope): readonly ShellValue[] {
  return words.flatMap((word) => {
    const [only, ...others] = word.filter((part) => part.type !== 'text' || part.text !== '')
    if (others.length === 0 && only?.type === 'parameter' && only.name === '@' && only.operator === undefined) {
      return scope.positional
    }
    if (word.every((part) => part.type === 'text')) return globbed(word, scope)
    const isQuoted = word.every((part) => part.quoted || part.type === 'text')
    const value = expandWhole(word, scope)
    return isQuoted || value === undefined ? [value] : value.split(/[ \t\n]+/).filter((field) => field !== '')
  })
}

function globbed(word: Word, scope: ShellScope): readonly ShellValue[] {
  const text = word.map((part) => (part.type === 'text' ? part.text : '')).join('')
  const isPattern = word.some((part) => part.type === 'text' && !part.quoted && /[*?[]/.test(part.text))
  const matches = isPattern ? scope.glob(text) : []
  return matches.length > 0 ? matches : [text]
}

function expandPart(part: WordPart, scope: ShellScope): ShellValue {
  switch (part.type) {
    case 'text':
      return part.text
    case 'opaque':
      return undefined
    case 'substitution':
      return scope.substitute(part.body)
    case 'parameter':
      return expandParameter(part, scope)
  }
}

function expandParameter(part: Extract<WordPart, { type: 'parameter' }>, scope: ShellScope): ShellValue {
  const value = part.name === '@' || part.name === '*' ? joined(scope.positional) : scope.parameter(part.name)
  if (part.operator === undefined || part.operand === undefined || value === undefined) return value
  const operand = expandWhole(part.operand, scope)
  switch (part.operator) {
    case ':-':
    case '-':
    case ':=':
    case '=':
      return value === '' ? operand : value
    case ':+':
    case '+':
      return value === '' ? '' : operand
    case '#':
    case '##':
    case '%':
    case '%%':
      if (operand === undefined) return undefined
      scope.spend(value.length * (value.length + operand.length))
      return trimmed(value, part.operator, operand)
    default:
      return undefined
  }
}

function joined(values: readonly ShellValue[]): ShellValue {
  return values.includes(undefined) ? undefined : values.join(' ')
}

/** `${name#pattern}` and its kin, by trying every cut from the shorter or from the longer side. */
function trimmed(value: string, operator: string, pattern: string): string {
  const cuts = Array.from({ length: value.length + 1 }, (_, length) => length)
  const isPrefix = operator.startsWith('#')
  const lengths = operator.length === 2 ? cuts.reverse() : cuts
  for (const length of lengths) {
    const cut = isPrefix ? value.slice(0, length) : value.slice(value.length - length)
    if (matchesPattern(cut, pattern)) return isPrefix ? value.slice(length) : value.slice(0, value.length - length)
  }
  return value
}

/**
 * Tells whether a text matches a pattern of the shell: `*`, `?`, `[…]` (POSIX.1-2024 XCU §2.14). Takes time of at most the
 * product of both lengths, whatever the pattern.
 */
export function matchesPattern(text: string, pattern: string): boolean {
  const tokens = pattern.match(/\[!?\]?[^\]]*\]|[\s\S]/g) ?? []
  let at = 0
  let token = 0
  let star = -1
  let starAt = 0
  while (at < text.length) {
    const wanted = tokens[token]
    if (wanted === '*') {
      star = token++
      starAt = at
    } else if (wanted !== undefined && matchesToken(text[at] ?? '', wanted)) {
      at++
      token++
    } else if (star >= 0) {
      token = star + 1
      at = ++starAt
    } else {
      return false
    }
  }
  return tokens.slice(token).every((rest) => rest === '*')
}

function matchesToken(character: string, token: string): boolean {
  if (token === '?') return true
  if (token.length < 3) return token === character
  const isNegated = token[1] === '!'
  const set = token.slice(isNegated ? 2 : 1, -1)
  const ranges = [...set.matchAll(/(.)-(.)|./gs)]
  const isInside = ranges.some(([one, from, to]) => {
    return from === undefined || to === undefined ? one === character : from <= character && character <= to
  })
  return isInside !== isNegated
}
