import { crc32 } from 'node:zlib'
import { DebianError } from './errors.ts'

/**
 * A `Packages` index in compiled form: the text itself and, behind it, sorted tables of the names in it. Opening costs
 * one read of the tables, a look-up one read of each stanza it finds. Made by `compilePackagesIndex`.
 */
export interface PackagesIndex {
  /** The stanzas of the packages that bear the name, in the order of the index. */
  named(name: string): string[]
  /** The stanzas of the other packages whose `Provides` holds the name, in the order of the index. */
  providing(name: string): string[]
  /** Every name borne by a package, in code-unit order. */
  names(): Iterable<string>
  /** The stanzas whose `Package` or first line of `Description` holds the text, in any case of letters. */
  mentioning(text: string): Iterable<string>
}

/** The file that holds a compiled index, as the cache opens it. */
export interface IndexFile {
  readonly path: string
  readonly size: number
  /** Reads synchronously; gives fewer bytes only at the end of the file. */
  read(offset: number, length: number): Uint8Array
  /** Removes the file, so that the next process makes it anew. */
  discard(): void
}

/**
 * The form of a compiled index: header, text, tables; all numbers are 32 bits in the machine's byte order, so that a
 * file from a machine of the other order has a wrong magic number and is made anew.
 *
 * - header: magic, version, size of the text, size of the tables, CRC-32 of the tables, padding
 * - stanza table: count, then offsets in the text, lengths and CRC-32 of the stanzas, `count` each
 * - two name tables (borne, provided): count, size of the names, count of postings, then the ends of names, the ends
 *   of postings, the postings (numbers of stanzas), and the names' bytes padded to 4
 */
export const LAYOUT = { headerSize: 32, magic: 0x58444943, version: 1 } as const

/** Opens a compiled index, or gives `undefined` when the file is torn, empty or of another form. */
export function openPackagesIndex(file: IndexFile): PackagesIndex | undefined {
  if (file.size < LAYOUT.headerSize) return undefined
  const header = words(file.read(0, LAYOUT.headerSize))
  const [magic, version, textSize = 0, tablesSize = 0, sum] = header
  if (magic !== LAYOUT.magic || version !== LAYOUT.version) return undefined
  if (file.size !== LAYOUT.headerSize + textSize + tablesSize) return undefined
  const tables = file.read(LAYOUT.headerSize + textSize, tablesSize)
  if (tables.length !== tablesSize || crc32(tables) !== sum) return undefined
  return new CompiledIndex(file, tables)
}

class CompiledIndex implements PackagesIndex {
  readonly #file: IndexFile
  readonly #count: number
  readonly #stanzas: Uint32Array
  readonly #borne: NameTable
  readonly #provided: NameTable

  constructor(file: IndexFile, tables: Uint8Array) {
    this.#file = file
    const all = words(tables)
    this.#count = all[0] ?? 0
    this.#stanzas = all.subarray(1)
    this.#borne = new NameTable(tables, all, 1 + 3 * this.#count)
    this.#provided = new NameTable(tables, all, this.#borne.end)
  }

  named(name: string): string[] {
    return Array.from(this.#borne.postings(name), (number) => this.#stanza(number))
  }

  providing(name: string): string[] {
    return Array.from(this.#provided.postings(name), (number) => this.#stanza(number))
  }

  names(): Iterable<string> {
    return this.#borne.names()
  }

  *mentioning(text: string): Iterable<string> {
    const wanted = Buffer.from(text, 'utf8').toString('latin1')
    const line = new RegExp(`^(?:package|description):.*${wanted.replace(/[^A-Za-z0-9]/g, '\\$&')}`, 'gim')
    for (let first = 0; first < this.#count; ) {
      const start = this.#start(first)
      let last = first + 1
      while (last < this.#count && this.#end(last) - start <= BLOCK) last++
      const bytes = this.#file.read(LAYOUT.headerSize + start, this.#end(last - 1) - start)
      let number = first - 1
      for (const hit of Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1').matchAll(line)) {
        if (number >= first && start + hit.index < this.#end(number)) continue
        do number++
        while (start + hit.index >= this.#end(number))
        yield this.#stanza(number)
      }
      first = last
    }
  }

  #start(number: number): number {
    return this.#stanzas[number] ?? 0
  }

  #end(number: number): number {
    return this.#start(number) + (this.#stanzas[this.#count + number] ?? 0)
  }

  #stanza(number: number): string {
    const offset = this.#start(number)
    const length = this.#end(number) - offset
    const bytes = this.#file.read(LAYOUT.headerSize + offset, length)
    if (bytes.length !== length || crc32(bytes) !== this.#stanzas[2 * this.#count + number]) {
      this.#file.discard()
      const reason = `the stanza at byte ${offset} is damaged; the file was removed and will be made anew`
      throw new DebianError('CACHE_FAILED', `cannot read compiled index ${this.#file.path}: ${reason}`)
    }
    return UTF8.decode(bytes)
  }
}

/** A sorted list of names, each with the numbers of its stanzas; searched where it lies, nothing is unpacked. */
class NameTable {
  /** Index of the word behind this table. */
  readonly end: number
  readonly #count: number
  readonly #nameEnds: Uint32Array
  readonly #postingEnds: Uint32Array
  readonly #postings: Uint32Array
  readonly #names: Buffer

  constructor(bytes: Uint8Array, all: Uint32Array, start: number) {
    const [count = 0, namesSize = 0, postingCount = 0] = all.subarray(start, start + 3)
    const ends = start + 3
    const postings = ends + 2 * count
    const names = postings + postingCount
    this.#count = count
    this.#nameEnds = all.subarray(ends, ends + count)
    this.#postingEnds = all.subarray(ends + count, postings)
    this.#postings = all.subarray(postings, names)
    this.#names = Buffer.from(bytes.buffer, bytes.byteOffset + names * 4, namesSize)
    this.end = names + Math.ceil(namesSize / 4)
  }

  *names(): Iterable<string> {
    for (let index = 0; index < this.#count; index++) {
      yield this.#names.toString('latin1', this.#nameStart(index), this.#nameEnds[index])
    }
  }

  postings(name: string): Uint32Array {
    const wanted = Buffer.from(name, 'utf8')
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      const order = this.#names.compare(wanted, 0, wanted.length, this.#nameStart(middle), this.#nameEnds[middle])
      if (order === 0) {
        return this.#postings.subarray(middle === 0 ? 0 : this.#postingEnds[middle - 1], this.#postingEnds[middle])
      }
      if (order < 0) low = middle + 1
      else high = middle
    }
    return this.#postings.subarray(0, 0)
  }

  #nameStart(index: number): number {
    return index === 0 ? 0 : (this.#nameEnds[index - 1] ?? 0)
  }
}

/** Bytes that a search over all stanzas reads at once. */
const BLOCK = 4 << 20

const UTF8 = new TextDecoder('utf-8')

function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2)
}
