/** Bits that one look-up takes; longer codes are walked bit by bit. */
const FAST_BITS = 10
/** Selects those bits. */
export const FAST_MASK = (1 << FAST_BITS) - 1
const MAX_BITS = 15

/** Why data is no DEFLATE stream. */
export class InflateFault {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/** A canonical Huffman code (RFC 1951 §3.2.2), made for decoding. */
export interface HuffmanCode {
  /** By the next 10 bits of input: symbol × 16 + length, or 0 where the code is longer or there is none. */
  readonly fast: Uint16Array
  /** How many codes there are of each length. */
  readonly counts: Uint16Array
  /** Symbols in the order of their codes. */
  readonly symbols: Uint16Array
}

/**
 * Makes the code that has these lengths. Throws an `InflateFault` when they are no code: over-subscribed, or
 * incomplete in another way than the one code of one bit that RFC 1951 allows (`single`).
 */
export function huffmanCode(lengths: Uint8Array, single: boolean): HuffmanCode {
  const counts = new Uint16Array(MAX_BITS + 1)
  for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1
  const used = lengths.length - (counts[0] ?? 0)
  counts[0] = 0
  if (!isComplete(counts) && !(single && used <= 1 && counts[1] === used)) {
    throw new InflateFault('the lengths of its codes make no code')
  }
  const next = new Uint16Array(MAX_BITS + 2)
  const place = new Uint16Array(MAX_BITS + 2)
  for (let length = 1; length <= MAX_BITS; length++) {
    next[length + 1] = ((next[length] ?? 0) + (counts[length] ?? 0)) << 1
    place[length + 1] = (place[length] ?? 0) + (counts[length] ?? 0)
  }
  const fast = new Uint16Array(1 << FAST_BITS)
  const symbols = new Uint16Array(used)
  for (const [symbol, length] of lengths.entries()) {
    if (length === 0) continue
    const code = next[length] ?? 0
    const index = place[length] ?? 0
    next[length] = code + 1
    place[length] = index + 1
    symbols[index] = symbol
    if (length > FAST_BITS) continue
    for (let at = reversed(code, length); at < fast.length; at += 1 << length) fast[at] = (symbol << 4) | length
  }
  return { fast, counts, symbols }
}

/** Whether the lengths use up the code space, neither less nor more. */
function isComplete(counts: Uint16Array): boolean {
  let left = 1
  for (let length = 1; length <= MAX_BITS; length++) {
    left = left * 2 - (counts[length] ?? 0)
    if (left < 0) return false
  }
  return left === 0
}

function reversed(code: number, length: number): number {
  let bits = 0
  for (let index = 0; index < length; index++) bits |= ((code >> index) & 1) << (length - 1 - index)
  return bits
}

/**
 * Gives symbol × 16 + length of the code that the lowest bits of `hold` begin with, walked bit by bit. Throws an
 * `InflateFault` where they begin with none.
 */
export function longEntry({ counts, symbols }: HuffmanCode, hold: number): number {
  let code = 0
  let first = 0
  let index = 0
  for (let length = 1; length <= MAX_BITS; length++) {
    code |= (hold >>> (length - 1)) & 1
    const count = counts[length] ?? 0
    if (code - count < first) return ((symbols[index + code - first] ?? 0) << 4) | length
    index += count
    first = (first + count) << 1
    code <<= 1
  }
  throw new InflateFault('it uses a code that means nothing')
}
