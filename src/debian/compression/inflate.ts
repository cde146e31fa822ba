import {
  CODE_ORDER,
  DISTANCE_BITS,
  DISTANCES,
  END_OF_BLOCK,
  FIXED_DISTANCES,
  FIXED_LITERALS,
  LENGTH_BITS,
  LENGTHS,
} from './deflate-codes.ts'
import { FAST_MASK, type HuffmanCode, huffmanCode, InflateFault, longEntry } from './huffman.ts'

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
/** Where the output buffer is handed on; a match may still run over it. */
const FULL = WINDOW + OUTPUT

/**
 * Decodes one DEFLATE stream (RFC 1951) that lies in a caller's buffer, as far as the buffer reaches. State between
 * calls is the 32 KiB window, the block and the bits that are read already. Throws an `InflateFault`.
 */
export class Inflate {
  readonly #onOutput: (chunk: Uint8Array, at: number) => void
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
  #literals = FIXED_LITERALS
  #distances = FIXED_DISTANCES

  /** `onOutput` is also told how far the input is read. */
  constructor(onOutput: (chunk: Uint8Array, at: number) => void) {
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
      else this.#decodeCodes(stop + HELD)
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
    const kind = this.#take(2)
    if (kind === 3) throw new InflateFault('it has a block of no known kind')
    if (kind === 0) {
      this.#storedHeader()
      return
    }
    this.#literals = FIXED_LITERALS
    this.#distances = FIXED_DISTANCES
    if (kind === 2) this.#dynamicHeader()
    this.#state = 'codes'
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
    const lengths = this.#codeLengths(huffmanCode(codeLengths, false), literals + distances)
    if (lengths[END_OF_BLOCK] === 0) throw new InflateFault('a block has no end')
    this.#literals = huffmanCode(lengths.subarray(0, literals), true)
    this.#distances = huffmanCode(lengths.subarray(literals), true)
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
    const literals = this.#literals
    const distances = this.#distances
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
      if (length === 0 || entry >> 4 > 29) throw new InflateFault('it uses a code that means nothing')
      if (from + this.#written < WINDOW) throw new InflateFault('it refers to bytes before its beginning')
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
    this.#onOutput(this.#out.subarray(WINDOW, this.#end), this.#at)
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
