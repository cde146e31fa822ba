import type { ContentSink } from '#core'
import { ASSIGNMENT, type SecretKind } from './kinds.ts'
import { Literals } from './literals.ts'
import { entropyOf, isMixed, isPlaceholder, redacted } from './value.ts'

/** A secret that was found; the secret itself is kept nowhere. */
export interface FoundSecret {
  /** The kind's name. */
  readonly kind: string
  /** Counted from 1; 0 where the file's name says it. */
  readonly line: number
  /** Its begin and its length. */
  readonly shown: string
}

/** What was found in a file. */
export interface SearchedFile {
  /** By line; the first 100. */
  readonly secrets: readonly FoundSecret[]
  /** Whether it is no text, so that only values with a form of their own were looked for. */
  readonly isBinary: boolean
}

/** Bytes that are looked at together, and those at their end that are looked at again with what follows. */
const SPAN = 2 ** 20
const OVERLAP = 2 ** 15
/** Bytes before a literal that its value may begin in, and a pattern look at. */
const BEHIND = 128
/** Bytes that are looked at to tell text from programs, as git does. */
const FIRST = 8000
const MOST_IN_FILE = 100
/** The kind of what only its name tells, which gives way to any other that is found in the same line. */
const GENERIC = 'generic-api-key'

/** Looks for secrets of all kinds at once, in files one after the other. */
export class SecretSearch {
  readonly #literals: Literals
  /** For each literal its length and kinds. */
  readonly #kinds: readonly { readonly length: number; readonly kinds: readonly SecretKind[] }[]
  readonly #byPath: readonly SecretKind[]
  readonly #span = Buffer.allocUnsafe(SPAN)

  constructor(kinds: readonly SecretKind[]) {
    const byLiteral = new Map<string, SecretKind[]>()
    for (const kind of kinds) {
      for (const literal of kind.literals) byLiteral.set(literal, [...(byLiteral.get(literal) ?? []), kind])
    }
    this.#literals = new Literals([...byLiteral.keys()])
    this.#kinds = [...byLiteral].map(([literal, own]) => ({ length: literal.length, kinds: own }))
    this.#byPath = kinds.filter(({ by }) => by === 'path')
  }

  /** Takes one file's content; `done` gets what was found when it ends. The next file begins after that. */
  sink(path: string, done: (found: SearchedFile) => void): ContentSink {
    const file = new FileSearch(path, { literals: this.#literals, kinds: this.#kinds })
    const span = this.#span
    let filled = 0
    const look = (isLast: boolean) => {
      const kept = file.look(span.subarray(0, filled), isLast)
      span.copy(span, 0, filled - kept, filled)
      filled = kept
    }
    for (const kind of this.#byPath) if (kind.path?.test(path)) file.found.push({ kind: kind.name, line: 0, shown: '' })
    return {
      write: (chunk) => {
        for (let at = 0; at < chunk.length; ) {
          const taken = Math.min(chunk.length - at, SPAN - filled)
          span.set(chunk.subarray(at, at + taken), filled)
          at += taken
          filled += taken
          if (filled === SPAN) look(false)
        }
      },
      end: () => {
        look(true)
        done(file.finish())
      },
    }
  }
}

/** Looks for secrets in one text. `path` chooses among the kinds that are looked for in some files only. */
export function findSecretsIn(text: string, path: string, search: SecretSearch): readonly FoundSecret[] {
  const found: FoundSecret[] = []
  const sink = search.sink(path, ({ secrets }) => found.push(...secrets))
  sink.write(Buffer.from(text))
  sink.end()
  return found
}

interface Table {
  readonly literals: Literals
  readonly kinds: readonly { readonly length: number; readonly kinds: readonly SecretKind[] }[]
}

class FileSearch {
  readonly found: FoundSecret[] = []
  readonly #path: string
  readonly #table: Table
  #isBinary: boolean | undefined
  /** Lines before what is being looked at, and how much of that was looked at before. */
  #lines = 1
  #seen = 0
  /** Where in the file what is being looked at begins, and what was found by kind and place. */
  #offset = 0
  readonly #places = new Set<string>()

  constructor(path: string, table: Table) {
    this.#path = path
    this.#table = table
  }

  /** Looks at the next bytes, which begin with those that it was said to keep; gives how many to keep. */
  look(bytes: Buffer, isLast: boolean): number {
    this.#isBinary ??= bytes.subarray(0, FIRST).includes(0)
    const end = isLast ? bytes.length : bytes.length - OVERLAP
    const span = new Span(bytes, { start: this.#seen, end })
    const texts = new Set<SecretKind>()
    const { literals, kinds } = this.#table
    literals.find(bytes, (place, literalEnd) => {
      const own = kinds[place]
      if (own === undefined || literalEnd - own.length >= end || literalEnd - own.length < this.#seen) return
      this.#lookAt(span, { start: literalEnd - own.length, end: literalEnd }, own.kinds, texts)
    })
    for (const kind of texts) this.#lookThrough(span, kind)
    const kept = isLast ? 0 : OVERLAP + BEHIND
    this.#lines += span.linesBefore(bytes.length - kept)
    this.#offset += bytes.length - kept
    this.#seen = BEHIND
    return kept
  }

  finish(): SearchedFile {
    const specific = new Set(this.found.filter(({ kind }) => kind !== GENERIC).map(({ line }) => line))
    const secrets = this.found.filter(({ kind, line }) => kind !== GENERIC || !specific.has(line))
    return {
      secrets: secrets.sort((left, right) => left.line - right.line).slice(0, MOST_IN_FILE),
      isBinary: this.#isBinary === true,
    }
  }

  #lookAt(
    span: Span,
    literal: { readonly start: number; readonly end: number },
    kinds: readonly SecretKind[],
    texts: Set<SecretKind>,
  ): void {
    let isAssigned: boolean | undefined
    for (const kind of kinds) {
      if (kind.path?.test(this.#path) === false) continue
      if (kind.by === 'start') {
        for (let at = literal.start; at >= Math.max(0, literal.start - kind.back); at--) {
          if (this.#matchAt(span, at, kind)) break
        }
      } else if (this.#isBinary !== true && kind.by === 'text') texts.add(kind)
      else if (this.#isBinary !== true) {
        ASSIGNMENT.lastIndex = literal.end
        isAssigned ??= ASSIGNMENT.test(span.text)
        if (isAssigned) this.#matchAt(span, literal.end, kind)
      }
    }
  }

  #matchAt(span: Span, at: number, kind: SecretKind): boolean {
    kind.pattern.lastIndex = at
    const match = kind.pattern.exec(span.text)
    if (match !== null) this.#take(span, match, kind)
    return match !== null
  }

  #lookThrough(span: Span, kind: SecretKind): void {
    for (const match of span.text.matchAll(kind.pattern)) {
      if (match.index < span.end && match.index >= span.start) this.#take(span, match, kind)
    }
  }

  #take(span: Span, match: RegExpExecArray, kind: SecretKind): void {
    const [whole] = match
    const value = match.slice(1).find((group) => group !== undefined && group !== '') ?? whole
    const start = match.index + Math.max(0, whole.lastIndexOf(value))
    const key = `${kind.name} ${this.#offset + start}`
    // Far more than are shown are not looked for: a file of nothing else would fill the memory.
    if (this.#places.has(key) || this.#places.size >= MOST_IN_FILE * 10) return
    if (isPlaceholder(value) || kind.except?.test(value) === true) return
    if (entropyOf(value) <= kind.entropy || (kind.isRandom && !isMixed(value))) return
    this.#places.add(key)
    this.found.push({ kind: kind.name, line: this.#lines + span.linesBefore(start), shown: redacted(value) })
  }
}

/** Bytes that are looked at together. What begins before `start` was seen before, at `end` and later is seen again. */
class Span {
  readonly start: number
  readonly end: number
  readonly #bytes: Buffer
  #text: string | undefined
  #counted = { at: 0, lines: 0 }

  constructor(bytes: Buffer, { start, end }: { readonly start: number; readonly end: number }) {
    this.#bytes = bytes
    this.start = start
    this.end = end
  }

  /** A character for each byte, whatever they mean: what secrets consist of is ASCII. */
  get text(): string {
    this.#text ??= this.#bytes.toString('latin1')
    return this.#text
  }

  linesBefore(offset: number): number {
    if (offset < this.#counted.at) this.#counted = { at: 0, lines: 0 }
    let { at, lines } = this.#counted
    for (let next = this.#bytes.indexOf(10, at); next !== -1 && next < offset; next = this.#bytes.indexOf(10, at)) {
      lines++
      at = next + 1
    }
    this.#counted = { at, lines }
    return lines
  }
}
