import { type HuffmanCode, huffmanCode } from './huffman.ts'

const WINDOW = 32 * 1024
const OUTPUT = 256 * 1024
/** The longest match, so that one more always fits behind a full output buffer. */
const LONGEST = 258
/** Input that a block header (RFC 1951 §3.2.7) or one symbol takes at most, rounded up. */
const MARGIN = 1024
/** Bytes that the bits read ahead may hold. */
const HELD = 4
/** Bits that are read ahead of a symbol or an extra field; 32 would be too many for JavaScript's shifts. */
const ENOUGH = 25
const FAST_MASK = 1023
/** Where the output buffer is handed on; a match may still run over it. */
const FULL = WINDOW + OUTPUT

/** Match lengths and distances: the first of each code and its extra bits (RFC 1951 §3.2.5). */
const LENGTHS = Uint16Array.of(
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
)
const LENGTH_BITS = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0)
const DISTANCES = Uint16Array.of(
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193,
  12289, 16385, 24577,
)
const DISTANCE_BITS = Uint8Array.of(
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
)
const CODE_ORDER = Uint8Array.of(16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
const END_OF_BLOCK = 256

const FIXED_LITERALS = fixedCode()
const FIXED_DISTANCES = huffmanCode(new Uint8Array(32).fill(5), false)

/** Why data is no DEFLATE stream. */
export class InflateFault {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/**
 * Decodes one DEFLATE stream (RFC 1951) that lies in a caller's buffer, as far as the buffer reaches. State between
 * calls is the 32 KiB window, the block and the bits that are read already. Throws an `InflateFault`.
 */
export class Inflate {
  readonly #onOutput: (chunk: Uint8Array) => void
  readonly #out = new Uint8Array(FULL + LONGEST)
  /** Where output that is not yet handed on ends; it begins behind the window. */
  #end = WINDOW
  /** Bytes that are handed on. */
  #written = 0
  #input: Uint8Array = new Uint8Array(0)
  #at = 0
  #hold = 0
  #bits = 0
  #state: 'header' | 'stored' | 'codes' | 'done' = 'header'
  #last = false
  #stored = 0
  #literals: HuffmanCode | undefined
  #distances: HuffmanCode | undefined

  constructor(onOutput: (chunk: Uint8Array) => void) {
    this.#onOutput = onOutput
  }

  /** Whether the stream has ended. */
  get done(): boolean {
    return this.#state === 'done'
  }

  /**
   * Decodes from `input`, whose bytes end at `end`, beginning at `at`, and gives where the rest begins. Behind `end`,
   * 1024 zero bytes must follow. Up to 1 KiB is left over for the next call, unless this call is the `final` one.
   */
  run(input: Uint8Array, at: number, end: number, final: boolean): number {
    this.#input = input
    this.#at = at
    const stop = final ? end : end - MARGIN
    while (this.#state !== 'done' && this.#at - (this.#bits >> 3) < stop) {
      if (this.#state === 'header') this.#blockHeader()
      else if (this.#state === 'stored') this.#copyStored(end)
      else this.#decodeCodes(final ? end + HELD : end - MARGIN)
    }
    // Whole bytes among the bits that are read already go back.
    this.#at -= this.#bits >> 3
    this.#bits &= 7
    this.#hold &= (1 << this.#bits) - 1
    if (this.#at > end || (final && !this.done)) throw new InflateFault('it is cut short')
    if (this.done) this.#flush()
    return this.#at
  }

  #blockHeader(): void {
    this.#last = this.#take(1) === 1
    switch (this.#take(2)) {
      case 0:
        return this.#storedHeader()
      case 1:
        this.#literals = FIXED_LITERALS
        this.#distances = FIXED_DISTANCES
        this.#state = 'codes'
        return
      case 2:
        this.#dynamicHeader()
        this.#state = 'codes'
        return
      default:
        throw new InflateFault('it has a block of no known kind')
    }
  }

  #storedHeader(): void {
    this.#take(this.#bits & 7)
    this.#stored = this.#take(16)
    if (this.#stored !== (~this.#take(16) & 0xffff)) throw new InflateFault('the length of a stored block is damaged')
    this.#at -= this.#bits >> 3
    this.#bits = 0
    this.#hold = 0
    this.#state = 'stored'
    if (this.#stored === 0) this.#endBlock()
  }

  #copyStored(inputEnd: number): void {
    if (this.#end >= FULL) this.#flush()
    const size = Math.min(this.#stored, inputEnd - this.#at, FULL - this.#end)
    this.#out.set(this.#input.subarray(this.#at, this.#at + size), this.#end)
    this.#end += size
    this.#at += size
    this.#stored -= size
    if (this.#stored === 0) this.#endBlock()
  }

  #endBlock(): void {
    this.#state = this.#last ? 'done' : 'header'
  }

  #dynamicHeader(): void {
    const literals = this.#take(5) + 257
    const distances = this.#take(5) + 1
    const codes = this.#take(4) + 4
    if (literals > 286 || distances > 30) throw new InflateFault('a block has too many codes')
    const codeLengths = new Uint8Array(19)
    for (let index = 0; index < codes; index++) codeLengths[CODE_ORDER[index] ?? 0] = this.#take(3)
    const lengths = this.#codeLengths(valid(huffmanCode(codeLengths, false)), literals + distances)
    if (lengths[END_OF_BLOCK] === 0) throw new InflateFault('a block has no end')
    this.#literals = valid(huffmanCode(lengths.subarray(0, literals), true))
    this.#distances = valid(huffmanCode(lengths.subarray(literals), true))
  }

  #codeLengths(code: HuffmanCode, count: number): Uint8Array {
    const lengths = new Uint8Array(count)
    for (let index = 0; index < count; ) {
      const symbol = this.#symbol(code)
      if (symbol < 16) {
        lengths[index++] = symbol
        continue
      }
      if (symbol === 16 && index === 0) throw new InflateFault('a block repeats a code length before the first')
      const value = symbol === 16 ? (lengths[index - 1] ?? 0) : 0
      const repeat = symbol === 16 ? 3 + this.#take(2) : symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7)
      if (index + repeat > count) throw new InflateFault('a block has too many code lengths')
      lengths.fill(value, index, index + repeat)
      index += repeat
    }
    return lengths
  }

  /** The loop that all the time goes into: its state lives in local variables. */
  #decodeCodes(limit: number): void {
    if (this.#end >= FULL) this.#flush()
    const literals = valid(this.#literals)
    const distances = valid(this.#distances)
    const input = this.#input
    const out = this.#out
    let at = this.#at
    let hold = this.#hold
    let bits = this.#bits
    let end = this.#end
    while (at < limit && end < FULL) {
      for (; bits < ENOUGH; bits += 8) hold |= (input[at++] ?? 0) << bits
      let entry = literals.fast[hold & FAST_MASK] || longEntry(literals, hold)
      hold >>>= entry & 15
      bits -= entry & 15
      const symbol = entry >> 4
      if (symbol < END_OF_BLOCK) {
        out[end++] = symbol
        continue
      }
      if (symbol === END_OF_BLOCK) {
        this.#endBlock()
        break
      }
      let extra = LENGTH_BITS[symbol - 257] ?? 0
      const length = (LENGTHS[symbol - 257] ?? 0) + (hold & ((1 << extra) - 1))
      hold >>>= extra
      bits -= extra
      for (; bits < ENOUGH; bits += 8) hold |= (input[at++] ?? 0) << bits
      entry = distances.fast[hold & FAST_MASK] || longEntry(distances, hold)
      hold >>>= entry & 15
      bits -= entry & 15
      for (; bits < ENOUGH; bits += 8) hold |= (input[at++] ?? 0) << bits
      extra = DISTANCE_BITS[entry >> 4] ?? 0
      const from = end - (DISTANCES[entry >> 4] ?? 0) - (hold & ((1 << extra) - 1))
      hold >>>= extra
      bits -= extra
      if (from + this.#written < WINDOW) throw new InflateFault('it refers to bytes before its beginning')
      if (length === 0 || entry >> 4 > 29) throw new InflateFault('it uses a code that means nothing')
      for (let copied = 0; copied < length; copied++) out[end + copied] = out[from + copied] ?? 0
      end += length
    }
    this.#at = at
    this.#hold = hold
    this.#bits = bits
    this.#end = end
  }

  #flush(): void {
    if (this.#end === WINDOW) return
    this.#onOutput(this.#out.subarray(WINDOW, this.#end))
    this.#written += this.#end - WINDOW
    this.#out.copyWithin(0, this.#end - WINDOW, this.#end)
    this.#end = WINDOW
  }

  /** Takes up to 16 bits. */
  #take(count: number): number {
    this.#fill()
    const value = this.#hold & ((1 << count) - 1)
    this.#hold >>>= count
    this.#bits -= count
    return value
  }

  #symbol(code: HuffmanCode): number {
    this.#fill()
    const entry = code.fast[this.#hold & FAST_MASK] || longEntry(code, this.#hold)
    this.#hold >>>= entry & 15
    this.#bits -= entry & 15
    return entry >> 4
  }

  #fill(): void {
    for (; this.#bits < ENOUGH; this.#bits += 8) this.#hold |= (this.#input[this.#at++] ?? 0) << this.#bits
  }
}

/** Symbol × 16 + length of a code of more bits than one look-up takes, walked bit by bit. */
function longEntry({ counts, symbols }: HuffmanCode, hold: number): number {
  let code = 0
  let first = 0
  let index = 0
  for (let length = 1; length <= 15; length++) {
    code |= (hold >>> (length - 1)) & 1
    const count = counts[length] ?? 0
    if (code - count < first) return ((symbols[index + code - first] ?? 0) << 4) | length
    index += count
    first = (first + count) << 1
    code <<= 1
  }
  throw new InflateFault('it uses a code that means nothing')
}

function valid(code: HuffmanCode | undefined): HuffmanCode {
  if (code === undefined) throw new InflateFault('the lengths of its codes make no code')
  return code
}

function fixedCode(): HuffmanCode | undefined {
  const lengths = new Uint8Array(288).fill(8)
  lengths.fill(9, 144, 256)
  lengths.fill(7, 256, 280)
  return huffmanCode(lengths, false)
}
