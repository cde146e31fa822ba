import { ImageError } from '../errors.ts'
import type { ShellCommand, Word, WordPart } from './shell-syntax.ts'

/** How deep commands and expansions may nest, and how long a script may be, before it counts as unreadable. */
const MAXIMUM_DEPTH = 60
const MAXIMUM_LENGTH = 1 << 17

const BLANKS = /(?:[ \t\r]|\\\n)+/y
const COMMENT = /#[^\n]*/y
/** What a blank or a comment may begin with: most of the time none stands here, and no pattern has to be tried. */
const MAY_BE_BLANK = ' \t\r\\#'
const BEFORE_COMMENT = /[\s;&|()]/

interface PendingDocument {
  readonly delimiter: string
  readonly isLiteral: boolean
  readonly stripsTabs: boolean
  readonly parts: WordPart[]
}

/** A shell script and a place in it: what the readers of words and of commands share. */
export class ShellReader {
  readonly text: string
  at = 0
  /** Reads the commands of a substitution up to its closing parenthesis; given by the reader of commands. */
  readonly readCommands: (reader: ShellReader) => ShellCommand
  /** Where this text starts in the script, when it is a part of it. */
  readonly #offset: number
  #depth = 0
  #documents: PendingDocument[] = []

  /** Throws `SCRIPT_UNREADABLE` for a text over 128 KiB. */
  constructor(text: string, readCommands: (reader: ShellReader) => ShellCommand, offset = 0) {
    this.text = text
    this.#offset = offset
    this.readCommands = readCommands
    if (text.length > MAXIMUM_LENGTH) throw this.fault(`it is longer than ${MAXIMUM_LENGTH} characters`)
  }

  /** The place in the whole script. */
  get position(): number {
    return this.#offset + this.at
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length
  }

  looksAt(token: string): boolean {
    return this.text.startsWith(token, this.at)
  }

  /** Steps over `token` and tells so, if it stands here. */
  take(token: string): boolean {
    if (!this.looksAt(token)) return false
    this.at += token.length
    return true
  }

  /** Steps over `token`. Throws `SCRIPT_UNREADABLE` if something else stands here. */
  expect(token: string): void {
    if (!this.take(token)) throw this.fault(`want "${token}", got "${this.text.slice(this.at, this.at + 20)}"`)
  }

  /** The text here that a sticky pattern matches; does not step over it. */
  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    return pattern.exec(this.text)?.[0]
  }

  /** Steps over what a sticky pattern matches and gives it; the empty text where it does not match. */
  takeMatch(pattern: RegExp): string {
    const found = this.match(pattern) ?? ''
    this.at += found.length
    return found
  }

  /** Runs `read` one level deeper. Throws `SCRIPT_UNREADABLE` when that is too deep. */
  nested<Result>(read: () => Result): Result {
    if (++this.#depth > MAXIMUM_DEPTH) throw this.fault(`it nests deeper than ${MAXIMUM_DEPTH} levels`)
    const result = read()
    this.#depth--
    return result
  }

  /** Steps over blanks, continued lines and a comment, not over the end of the line. */
  skipBlanks(): void {
    if (this.isAtEnd || !MAY_BE_BLANK.includes(this.text.charAt(this.at))) return
    this.takeMatch(BLANKS)
    if (!this.looksAt('#')) return
    if (this.at === 0 || BEFORE_COMMENT.test(this.text[this.at - 1] ?? '')) this.takeMatch(COMMENT)
  }

  /** Steps over blanks, comments and ends of lines, and over the here-documents that those lines announced. */
  skipLines(): void {
    for (this.skipBlanks(); this.take('\n'); this.skipBlanks()) this.#readDocuments()
  }

  /** The commands of a back-quoted substitution whose closing quote was just read. */
  inner(text: string): ShellCommand {
    return this.nested(() => {
      const reader = new ShellReader(text, this.readCommands, this.position - 1 - text.length)
      reader.#depth = this.#depth
      const commands = this.readCommands(reader)
      if (!reader.isAtEnd) throw this.fault('a back-quoted command does not end where its quotes do')
      return commands
    })
  }

  /** Announces a here-document. The word given back is filled when the line ends. */
  announceDocument(delimiter: string, isLiteral: boolean, stripsTabs: boolean): Word {
    const parts: WordPart[] = []
    this.#documents.push({ delimiter, isLiteral, stripsTabs, parts })
    return parts
  }

  fault(reason: string): ImageError {
    const line = this.text.slice(0, this.at).split('\n').length
    return new ImageError('SCRIPT_UNREADABLE', `cannot read shell script, line ${line}: ${reason}`)
  }

  #readDocuments(): void {
    for (const { delimiter, isLiteral, stripsTabs, parts } of this.#documents.splice(0)) {
      let body = ''
      for (;;) {
        if (this.isAtEnd) throw this.fault(`a here-document ends without "${delimiter}"`)
        const raw = this.takeMatch(/[^\n]*\n?/y)
        const line = stripsTabs ? raw.replace(/^\t+/, '') : raw
        if (line.replace(/\n$/, '') === delimiter) break
        body += line
      }
      const isPlain = isLiteral || !/[$`\\]/.test(body)
      parts.push(isPlain ? { type: 'text', text: body, quoted: true } : { type: 'opaque', quoted: true })
    }
  }
}
