import { crc32 } from 'node:zlib'
import { DebianError } from './errors.ts'
import { LAYOUT } from './packages-index.ts'

/** What stands before and behind the text in the file of a compiled index. */
export interface CompiledTables {
  readonly header: Uint8Array
  readonly tables: Uint8Array
}

/** No stanza of a real archive comes near 1 MiB; a longer one is an attack on whoever parses it. */
const STANZA_LIMIT = 1 << 20

/**
 * Builds the tables over the text of a `Packages` index (`LAYOUT`). A package's fields are checked when it is looked
 * up, so a bogus one harms only those who name it. Throws `INDEX_INVALID` for a stanza over 1 MiB, or without a name
 * that deb-control(5) allows.
 */
export function compilePackagesIndex(text: Uint8Array, origin: string): CompiledTables {
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength)
  const offsets: number[] = []
  const lengths: number[] = []
  const sums: number[] = []
  const borne = new Map<string, number[]>()
  const provided = new Map<string, number[]>()
  for (const [start, end] of stanzaRanges(bytes)) {
    if (end - start > STANZA_LIMIT)
      throw invalid(origin, start, `a stanza of ${end - start} bytes, over the 1 MiB allowed`)
    const stanza = bytes.toString('latin1', start, end)
    const name = packageName(stanza)
    if (name === undefined) throw invalid(origin, start, 'a stanza without a valid "Package" field')
    post(borne, name, offsets.length)
    for (const other of providedNames(stanza)) if (other !== name) post(provided, other, offsets.length)
    offsets.push(start)
    lengths.push(end - start)
    sums.push(crc32(bytes.subarray(start, end)))
  }
  const stanzas = new Uint8Array(Uint32Array.from([offsets.length, ...[offsets, lengths, sums].flat()]).buffer)
  const tables = Buffer.concat([stanzas, encodeNames(borne), encodeNames(provided)])
  const header = new Uint32Array(LAYOUT.headerSize / 4)
  header.set([LAYOUT.magic, LAYOUT.version, bytes.length, tables.length, crc32(tables)])
  return { header: new Uint8Array(header.buffer), tables }
}

function* stanzaRanges(bytes: Buffer): Iterable<[number, number]> {
  let start = 0
  while (start < bytes.length) {
    if (bytes[start] === NEWLINE) {
      start++
      continue
    }
    const blank = bytes.indexOf('\n\n', start)
    const end = blank < 0 ? bytes.length : blank + 1
    yield [start, end]
    start = end
  }
}

function packageName(stanza: string): string | undefined {
  const name = /(?:^|\n)package:[ \t]*(\S+)[ \t]*(?:\n|$)/i.exec(stanza)?.[1]
  return name !== undefined && /^[a-z0-9][a-z0-9+.-]+$/.test(name) ? name : undefined
}

/** Names in `Provides`, a folded field included; what is malformed there shows when the stanza is parsed. */
function providedNames(stanza: string): ReadonlySet<string> {
  const field = /\nprovides:([^\n]*(?:\n[ \t][^\n]*)*)/i.exec(stanza)?.[1]
  if (field === undefined) return NONE
  return new Set(field.split(',').map((provision) => /[^\s(:]+/.exec(provision)?.[0] ?? ''))
}

const NEWLINE = 10
const NONE: ReadonlySet<string> = new Set()

function post(postings: Map<string, number[]>, name: string, stanza: number): void {
  const known = postings.get(name)
  // A copy: V8 would keep the whole stanza alive behind a part of it.
  if (known === undefined) postings.set(Buffer.from(name, 'latin1').toString('latin1'), [stanza])
  else known.push(stanza)
}

function encodeNames(postings: ReadonlyMap<string, readonly number[]>): Uint8Array {
  const sorted = [...postings].sort(([left], [right]) => (left < right ? -1 : 1))
  const names = Buffer.from(sorted.map(([name]) => name).join(''), 'latin1')
  const nameEnds: number[] = []
  const postingEnds: number[] = []
  let nameEnd = 0
  let postingEnd = 0
  for (const [name, numbers] of sorted) {
    nameEnd += name.length
    nameEnds.push(nameEnd)
    postingEnd += numbers.length
    postingEnds.push(postingEnd)
  }
  const numbers = sorted.flatMap(([, each]) => each)
  const words = Uint32Array.from([
    sorted.length,
    names.length,
    numbers.length,
    ...[nameEnds, postingEnds, numbers].flat(),
  ])
  return Buffer.concat([new Uint8Array(words.buffer), names, new Uint8Array(-names.length & 3)])
}

function invalid(origin: string, offset: number, reason: string): DebianError {
  return new DebianError('INDEX_INVALID', `cannot compile index ${origin}: at byte ${offset}: ${reason}`)
}
