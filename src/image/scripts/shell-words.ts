import type { ShellReader } from './shell-reader.ts'
import type { Word, WordPart } from './shell-syntax.ts'

/** Characters that end an unquoted word (POSIX.1-2024 XCU §2.2, §2.10). */
const ENDS_WORD = /[\s;&|<>()]/

const PLAIN = /[^\s;&|<>()'"$`\\]+/y
const PLAIN_BRACED = /[^'"$`\\}]+/y
const ESCAPED = /\\[$`"\\]/y
const QUOTED = /\\|[^"$`\\]+/y
const PARAMETER = /[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]/y

/** Reads the word that starts here, which may be empty. `endsAt` ends it as well, inside `${name:-word}`. */
export function readWord(reader: ShellReader, endsAt?: string): Word {
  const parts: WordPart[] = []
  while (!reader.isAtEnd) {
    const character = reader.text[reader.at] ?? ''
    if (character === endsAt || (endsAt === undefined && ENDS_WORD.test(character))) break
    if (reader.take('\\\n')) continue
    parts.push(...readPart(reader, character, endsAt))
  }
  return parts
}

function readPart(reader: ShellReader, character: string, endsAt: string | undefined): readonly WordPart[] {
  switch (character) {
    case "'": {
      const end = reader.text.indexOf("'", reader.at + 1)
      if (end === -1) throw reader.fault('a single quote is never closed')
      const text = reader.text.slice(reader.at + 1, end)
      reader.at = end + 1
      return [{ type: 'text', text, quoted: true }]
    }
    case '"':
      reader.at++
      return reader.nested(() => readDoubleQuoted(reader))
    case '$':
    case '`':
      return [reader.nested(() => readExpansion(reader, false))]
    case '\\': {
      const text = reader.text[reader.at + 1] ?? ''
      reader.at += 2
      return [{ type: 'text', text, quoted: true }]
    }
    default: {
      const text = reader.takeMatch(endsAt === undefined ? PLAIN : PLAIN_BRACED)
      if (text === '') throw reader.fault(`"${character}" is unexpected`)
      return [{ type: 'text', text, quoted: false }]
    }
  }
}

function readDoubleQuoted(reader: ShellReader): readonly WordPart[] {
  const parts: WordPart[] = [{ type: 'text', text: '', quoted: true }]
  for (;;) {
    if (reader.isAtEnd) throw reader.fault('a double quote is never closed')
    if (reader.take('"')) return parts
    if (reader.take('\\\n')) continue
    if (reader.looksAt('$') || reader.looksAt('`')) {
      parts.push(readExpansion(reader, true))
      continue
    }
    const escaped = reader.takeMatch(ESCAPED)
    parts.push({ type: 'text', text: escaped.slice(1) || reader.takeMatch(QUOTED), quoted: true })
  }
}

/** Reads `$…` or a back-quoted command; a lone `$` is text. */
function readExpansion(reader: ShellReader, quoted: boolean): WordPart {
  if (reader.take('`')) return readBackQuoted(reader, quoted)
  reader.expect('$')
  if (reader.take('((')) {
    skipArithmetic(reader)
    return { type: 'opaque', quoted }
  }
  if (reader.take('(')) {
    const body = reader.readCommands(reader)
    reader.expect(')')
    return { type: 'substitution', body, quoted }
  }
  if (reader.take('{')) return readBraced(reader, quoted)
  const name = reader.takeMatch(PARAMETER)
  return name === '' ? { type: 'text', text: '$', quoted } : { type: 'parameter', name, quoted }
}

/** Steps over the rest of `$((…))`, by its parentheses. */
function skipArithmetic(reader: ShellReader): void {
  for (let open = 2; open > 0; reader.at++) {
    if (reader.isAtEnd) throw reader.fault('an arithmetic expansion is never closed')
    if (reader.looksAt('(')) open++
    else if (reader.looksAt(')')) open--
  }
}

function readBraced(reader: ShellReader, quoted: boolean): WordPart {
  if (reader.takeMatch(/#(?=[A-Za-z_0-9])/y) !== '') {
    reader.takeMatch(/[A-Za-z_0-9]+/y)
    reader.expect('}')
    return { type: 'opaque', quoted }
  }
  const name = reader.takeMatch(/[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-]/y)
  if (reader.take('}')) return { type: 'parameter', name, quoted }
  const operator = reader.takeMatch(/:?[-=?+]|##?|%%?/y)
  const operand = readWord(reader, '}')
  reader.expect('}')
  return operator === '' ? { type: 'opaque', quoted } : { type: 'parameter', name, operator, operand, quoted }
}

/** A back-quoted command is read for its extent only: what it gives stays unknown unless it is plain. */
function readBackQuoted(reader: ShellReader, quoted: boolean): WordPart {
  const text = reader.takeMatch(/(?:[^`\\]|\\[\s\S])*/y)
  reader.expect('`')
  const inner = reader.inner(text.replace(/\\([$`\\])/g, '$1'))
  return { type: 'substitution', body: inner, quoted }
}
