import { crc32 } from 'node:zlib'
import { hasControlCharacters } from '#core'
import { AdvisoryError } from './errors.ts'

/** A line of a section: a key, and the record that stands there. A line without record only says that the key exists. */
export interface Line {
  readonly key: string
  readonly record?: object
}

/** Where a section lies in its file, and how its index is recognised as whole. */
export interface SectionPlace {
  readonly offset: number
  /** Bytes of the blocks, which the index follows. */
  readonly size: number
  readonly indexSize: number
  readonly indexSum: number
}

/** The file that holds a store. */
export interface StoreFile {
  readonly path: string
  readonly size: number
  /** Reads synchronously; gives fewer bytes only at the end of the file. */
  read(offset: number, length: number): Uint8Array
}

/** Bytes of a block: what one look-up reads and goes through. */
const BLOCK = 1 << 14

/** Blocks that are kept decoded. */
const KEPT = 64

/** A block as the index names it: first key, offset in the section, bytes, CRC-32. */
type Block = readonly [first: string, offset: number, size: number, sum: number]

/** Joins the words of a key. Tabs order below everything printable, so that keys with a common start lie together. */
export function keyOf(...words: readonly string[]): string {
  let key = ''
  // A part has some hundred thousand keys, nearly all without: asking is cheaper than replacing.
  for (const word of words) key += `${hasControlCharacters(word) ? word.replace(/\p{Cc}/gu, ' ') : word}\t`
  return key
}

/** Writes lines as a section: sorted by key, in blocks, and an index of the first key of each block. */
export function encodeSection(lines: readonly Line[], offset: number): { parts: Uint8Array[]; place: SectionPlace } {
  const sorted = lines
    .map(({ key, record }) => ({ key, text: record === undefined ? key : key + JSON.stringify(record) }))
    .sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0))
  const parts: Uint8Array[] = []
  const blocks: Block[] = []
  let size = 0
  let open: string[] = []
  let length = 0
  let first = ''
  const close = () => {
    if (open.length === 0) return
    const bytes = Buffer.from(open.join('\n'))
    blocks.push([first, size, bytes.length, crc32(bytes)])
    parts.push(bytes)
    size += bytes.length
    open = []
    length = 0
  }
  for (const { key, text } of sorted) {
    if (open.length === 0) first = key
    open.push(text)
    length += text.length + 1
    if (length >= BLOCK) close()
  }
  close()
  const index = Buffer.from(JSON.stringify(blocks))
  return { parts: [...parts, index], place: { offset, size, indexSize: index.length, indexSum: crc32(index) } }
}

/** Reads a whole section and holds it against its sums. Throws `ADVISORY_STORE_INVALID` when one is wrong. */
export function checkSection(file: StoreFile, place: SectionPlace): void {
  new Section(file, place).check()
}

/** A section of a store as it lies in its file. Reads the index at the first look-up, then only blocks that are asked for. */
export class Section {
  readonly #file: StoreFile
  readonly #place: SectionPlace
  readonly #decoded = new Map<number, readonly string[]>()
  #blocks: readonly Block[] | undefined

  constructor(file: StoreFile, place: SectionPlace) {
    this.#file = file
    this.#place = place
  }

  /** The keys that start with these words, in code-unit order, and the JSON at each; empty where there is none. */
  *at(...words: readonly string[]): Iterable<{ key: string; json: string }> {
    const prefix = keyOf(...words)
    const blocks = this.#index()
    // A key may go on from the block before the first one that starts behind it.
    let number = Math.max(0, firstFrom(blocks, prefix) - 1)
    for (; number < blocks.length; number++) {
      const [first] = blocks[number] ?? ['']
      if (first > prefix && !first.startsWith(prefix)) return
      for (const line of this.#lines(number)) {
        if (!line.startsWith(prefix)) continue
        const end = line.lastIndexOf('\t') + 1
        yield { key: line.slice(0, end), json: line.slice(end) }
      }
    }
  }

  /** Reads every block. Throws `ADVISORY_STORE_INVALID`. */
  check(): void {
    let end = 0
    for (const [, offset, size, sum] of this.#index()) {
      if (offset !== end) throw this.#damaged(this.#place.offset + end)
      this.#read(this.#place.offset + offset, size, sum)
      end = offset + size
    }
    if (end !== this.#place.size) throw this.#damaged(this.#place.offset + end)
  }

  #index(): readonly Block[] {
    if (this.#blocks === undefined) {
      const { offset, size, indexSize, indexSum } = this.#place
      const bytes = this.#read(offset + size, indexSize, indexSum)
      const parsed: unknown = JSON.parse(bytes.toString('utf8'))
      // The sum vouches for the form: nobody else writes it.
      this.#blocks = Array.isArray(parsed) ? parsed.filter(isBlock) : []
    }
    return this.#blocks
  }

  #lines(number: number): readonly string[] {
    const known = this.#decoded.get(number)
    if (known !== undefined) return known
    const [, offset = 0, size = 0, sum = 0] = this.#index()[number] ?? []
    const lines = this.#read(this.#place.offset + offset, size, sum)
      .toString('utf8')
      .split('\n')
    for (const oldest of this.#decoded.keys()) {
      if (this.#decoded.size < KEPT) break
      this.#decoded.delete(oldest)
    }
    this.#decoded.set(number, lines)
    return lines
  }

  #read(offset: number, length: number, sum: number): Buffer {
    const bytes = this.#file.read(offset, length)
    if (bytes.length === length && crc32(bytes) === sum) {
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    throw this.#damaged(offset)
  }

  #damaged(offset: number): AdvisoryError {
    const reason = `the data at byte ${offset} are damaged; remove the file and import again`
    return new AdvisoryError('ADVISORY_STORE_INVALID', `cannot read advisories ${this.#file.path}: ${reason}`)
  }
}

function isBlock(value: unknown): value is Block {
  return Array.isArray(value) && value.length === 4
}

/** The number of the first block whose first key is the prefix or above. */
function firstFrom(blocks: readonly Block[], prefix: string): number {
  let low = 0
  let high = blocks.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((blocks[middle]?.[0] ?? '') < prefix) low = middle + 1
    else high = middle
  }
  return low
}
