import { ShellReader } from './shell-reader.ts'
import type { Redirection, ShellCommand, SimpleCommand, Word } from './shell-syntax.ts'
import { readWord } from './shell-words.ts'

/** A command before it is known where it ends. */
type Body<Type extends ShellCommand['type']> = Type extends unknown
  ? Omit<Extract<ShellCommand, { type: Type }>, 'start' | 'end'>
  : never

/** Words that end a list of commands when they stand where a command would (POSIX.1-2024 XCU §2.4). */
const CLOSING = /(?:then|elif|else|fi|do|done|esac|\})(?![A-Za-z0-9_=./-])|\)|;;/y

const AFTER_KEYWORD = /[\s;&|<>()#]/
const ENDS_SIMPLE = /[\n;&|()]/
const FUNCTION_NAME = /[A-Za-z_][A-Za-z0-9_-]*(?=[ \t]*\([ \t]*\))/y
const ASSIGNED_NAME = /[A-Za-z_][A-Za-z0-9_]*(?==)/y
const REDIRECTION = /[0-9]?(?:<<-?|>>|>&|<&|>\||<>|<|>)/y

/**
 * Reads a POSIX shell script. Nothing is run. What bash adds (arrays, `[[`, process substitution, `function`) and deep
 * nesting are refused: throws `SCRIPT_UNREADABLE` with the line.
 */
export function parseShell(text: string): readonly ShellCommand[] {
  const reader = new ShellReader(text, readSequence)
  const sequence = readSequence(reader)
  if (!reader.isAtEnd) throw reader.fault(`"${text.slice(reader.at, reader.at + 20)}" is unexpected`)
  return sequence.commands
}

function readSequence(reader: ShellReader): Extract<ShellCommand, { type: 'sequence' }> {
  return reader.nested(() => {
    const start = reader.position
    const commands: ShellCommand[] = []
    for (reader.skipLines(); !reader.isAtEnd && reader.match(CLOSING) === undefined; reader.skipLines()) {
      commands.push(readAndOr(reader))
      reader.skipBlanks()
      if (reader.looksAt(';;')) break
      if (!reader.take(';')) reader.take('&')
    }
    return { type: 'sequence', commands, start, end: reader.position }
  })
}

function readAndOr(reader: ShellReader): ShellCommand {
  const start = reader.position
  let left = readPipeline(reader)
  for (;;) {
    reader.skipBlanks()
    const operator = reader.take('&&') ? '&&' : reader.take('||') ? '||' : undefined
    if (operator === undefined) return left
    reader.skipLines()
    left = { type: 'and-or', operator, left, right: readPipeline(reader), start, end: reader.position }
  }
}

function readPipeline(reader: ShellReader): ShellCommand {
  const start = reader.position
  const negated = takeKeyword(reader, '!')
  const first = readCommand(reader)
  const commands = [first]
  for (reader.skipBlanks(); reader.looksAt('|') && !reader.looksAt('||'); reader.skipBlanks()) {
    reader.at++
    reader.skipLines()
    commands.push(readCommand(reader))
  }
  if (!negated && commands.length === 1) return first
  return { type: 'pipeline', commands, negated, start, end: reader.position }
}

function readCommand(reader: ShellReader): ShellCommand {
  reader.skipBlanks()
  const start = reader.position
  const body: ShellCommand = { ...reader.nested(() => readBody(reader)), start, end: reader.position }
  if (body.type === 'simple' || body.type === 'function') return body
  const redirections = readRedirections(reader)
  return redirections.length === 0
    ? body
    : { type: 'group', body, redirections, isSubshell: false, start, end: reader.position }
}

function readBody(reader: ShellReader): Body<ShellCommand['type']> {
  if (takeKeyword(reader, 'if')) return readIf(reader)
  if (takeKeyword(reader, 'for')) return readFor(reader)
  if (takeKeyword(reader, 'while') || takeKeyword(reader, 'until')) return readWhile(reader)
  if (takeKeyword(reader, 'case')) return readCase(reader)
  if (takeKeyword(reader, '{')) return readGroup(reader, '}')
  if (reader.take('(')) return readGroup(reader, ')')
  const name = reader.match(FUNCTION_NAME)
  if (name === undefined) return readSimple(reader)
  reader.at += name.length
  reader.takeMatch(/[ \t]*\([ \t]*\)/y)
  reader.skipLines()
  return { type: 'function', name, body: readCommand(reader) }
}

function readIf(reader: ShellReader): Body<'if'> {
  const branches: { condition: ShellCommand; body: ShellCommand }[] = []
  do {
    const condition = readSequence(reader)
    expectKeyword(reader, 'then')
    branches.push({ condition, body: readSequence(reader) })
  } while (takeKeyword(reader, 'elif'))
  const otherwise = takeKeyword(reader, 'else') ? { otherwise: readSequence(reader) } : {}
  expectKeyword(reader, 'fi')
  return { type: 'if', branches, ...otherwise }
}

function readFor(reader: ShellReader): Body<'for'> {
  reader.skipBlanks()
  const name = reader.takeMatch(/[A-Za-z_][A-Za-z0-9_]*/y)
  reader.skipLines()
  const words: Word[] = []
  if (takeKeyword(reader, 'in')) {
    for (reader.skipBlanks(); !reader.isAtEnd && !/[;\n]/.test(reader.text[reader.at] ?? ''); reader.skipBlanks()) {
      words.push(readWord(reader))
    }
  } else {
    words.push([{ type: 'parameter', name: '@', quoted: true }])
  }
  reader.skipBlanks()
  reader.take(';')
  return { type: 'for', name, words, body: readDo(reader) }
}

function readWhile(reader: ShellReader): Body<'while'> {
  const condition = readSequence(reader)
  return { type: 'while', condition, body: readDo(reader) }
}

function readDo(reader: ShellReader): ShellCommand {
  reader.skipLines()
  expectKeyword(reader, 'do')
  const body = readSequence(reader)
  expectKeyword(reader, 'done')
  return body
}

function readCase(reader: ShellReader): Body<'case'> {
  reader.skipBlanks()
  const word = readWord(reader)
  reader.skipLines()
  expectKeyword(reader, 'in')
  const arms: { patterns: Word[]; body: ShellCommand }[] = []
  for (reader.skipLines(); !takeKeyword(reader, 'esac'); reader.skipLines()) {
    if (reader.isAtEnd) throw reader.fault('a case is never closed')
    reader.take('(')
    const patterns: Word[] = []
    do {
      reader.skipBlanks()
      patterns.push(readWord(reader))
      reader.skipBlanks()
    } while (reader.take('|'))
    reader.expect(')')
    arms.push({ patterns, body: readSequence(reader) })
    reader.skipLines()
    reader.take(';;')
  }
  return { type: 'case', word, arms }
}

function readGroup(reader: ShellReader, closing: string): Body<'group'> {
  const body = readSequence(reader)
  reader.skipLines()
  reader.expect(closing)
  return { type: 'group', body, redirections: [], isSubshell: closing === ')' }
}

function readSimple(reader: ShellReader): Body<'simple'> {
  const assignments: SimpleCommand['assignments'][number][] = []
  const words: Word[] = []
  const redirections: Redirection[] = []
  for (;;) {
    reader.skipBlanks()
    const redirection = readRedirection(reader)
    if (redirection !== undefined) {
      redirections.push(redirection)
      continue
    }
    if (reader.isAtEnd || ENDS_SIMPLE.test(reader.text[reader.at] ?? '')) break
    const name = words.length === 0 ? reader.match(ASSIGNED_NAME) : undefined
    if (name !== undefined) {
      reader.at += name.length + 1
      if (reader.looksAt('(')) throw reader.fault('arrays are not of the POSIX shell')
      assignments.push({ name, value: readWord(reader) })
    } else {
      words.push(readWord(reader))
    }
  }
  if (assignments.length + words.length + redirections.length === 0) throw reader.fault('want a command')
  return { type: 'simple', assignments, words, redirections }
}

/** Steps over a reserved word, if it stands here as one, with what separates it from the command before. */
function takeKeyword(reader: ShellReader, keyword: string): boolean {
  reader.skipBlanks()
  if (!reader.looksAt(keyword) || !AFTER_KEYWORD.test(reader.text[reader.at + keyword.length] ?? '\n')) return false
  return reader.take(keyword)
}

function expectKeyword(reader: ShellReader, keyword: string): void {
  reader.skipLines()
  if (!takeKeyword(reader, keyword)) throw reader.fault(`want "${keyword}"`)
}

function readRedirections(reader: ShellReader): readonly Redirection[] {
  const found: Redirection[] = []
  for (;;) {
    reader.skipBlanks()
    const redirection = readRedirection(reader)
    if (redirection === undefined) return found
    found.push(redirection)
  }
}

function readRedirection(reader: ShellReader): Redirection | undefined {
  const token = reader.match(REDIRECTION)
  if (token === undefined) return undefined
  reader.at += token.length
  const operator = token.replace(/^[0-9]/, '')
  const descriptor = /^[0-9]/.test(token) ? Number(token[0]) : operator.startsWith('<') ? 0 : 1
  reader.skipBlanks()
  if (operator === '<<' || operator === '<<-') {
    const raw = reader.takeMatch(/(?:"[^"\n]*"|'[^'\n]*'|\\.|[^\s;&|<>()])+/y)
    const delimiter = raw.replace(/["'\\]/g, '')
    return {
      descriptor,
      operator: '<<',
      target: reader.announceDocument(delimiter, raw !== delimiter, operator === '<<-'),
    }
  }
  const known = (['<', '>', '>>', '>&', '<&', '>|', '<>'] as const).find((each) => each === operator)
  if (known === undefined) throw reader.fault(`"${token}" is no redirection`)
  return { descriptor, operator: known, target: readWord(reader) }
}
