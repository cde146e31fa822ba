import { crc32 } from 'node:zlib'
import { type Decoder, type DecoderOptions, DecoderOutput } from './decoder.ts'
import { InflateFault } from './huffman.ts'
import { Inflate } from './inflate.ts'

/** Input that is kept until more follows, so that a header, a trailer or a symbol is whole; also the longest header. */
const MARGIN = 1024
const TRAILER = 8
const FIXED_HEADER = 10
const FHCRC = 2
const FEXTRA = 4
const FNAME = 8
const FCOMMENT = 16
const RESERVED = 0xe0
const INPUT = 256 * 1024

/**
 * Decodes gzip data (RFC 1952): one or more members, and nothing behind them. Their CRC-32 and length must be right.
 * Written here because `node:zlib` has no synchronous decoder that can be fed piece by piece.
 */
export class GzipDecoder implements Decoder {
  readonly #output: DecoderOutput
  /** Input that is not decoded yet, from `#at` to `#end`; zero bytes follow. */
  readonly #input = new Uint8Array(INPUT + 2 * MARGIN)
  #at = 0
  #end = 0
  /** Bytes of input that have left the buffer. */
  #consumed = 0
  #inflate: Inflate | undefined
  #crc = 0
  #memberBytes = 0
  #members = 0

  constructor(options: DecoderOptions) {
    this.#output = new DecoderOutput('gzip', options)
  }

  push(chunk: Uint8Array): void {
    for (let taken = 0; taken < chunk.length; ) {
      this.#compact()
      const piece = chunk.subarray(taken, taken + INPUT + MARGIN - this.#end)
      this.#input.set(piece, this.#end)
      this.#end += piece.length
      taken += piece.length
      this.#decode(false)
    }
  }

  end(): void {
    this.#compact()
    this.#input.fill(0, this.#end)
    this.#decode(true)
    if (this.#members === 0) throw this.#output.invalid('it is empty')
  }

  /** Moves what is left to the front. */
  #compact(): void {
    this.#input.copyWithin(0, this.#at, this.#end)
    this.#consumed += this.#at
    this.#end -= this.#at
    this.#at = 0
  }

  #decode(final: boolean): void {
    try {
      while (this.#end - this.#at > (final ? 0 : MARGIN)) this.#step(final)
      if (final && this.#inflate !== undefined) throw new InflateFault('it is cut short')
    } catch (error) {
      throw error instanceof InflateFault ? this.#output.invalid(error.reason) : error
    }
  }

  #step(final: boolean): void {
    if (this.#inflate === undefined) {
      this.#at += headerLength(this.#input.subarray(this.#at, this.#end))
      this.#crc = 0
      this.#memberBytes = 0
      this.#inflate = new Inflate((chunk, at) => this.#take(chunk, at))
    }
    if (!this.#inflate.done) this.#at = this.#inflate.run(this.#input, this.#at, this.#end, final)
    if (this.#inflate.done && (final || this.#end - this.#at >= TRAILER)) this.#trailer()
  }

  #take(chunk: Uint8Array, at: number): void {
    this.#crc = crc32(chunk, this.#crc)
    this.#memberBytes += chunk.length
    this.#output.write(chunk, this.#consumed + at)
  }

  #trailer(): void {
    if (this.#end - this.#at < TRAILER) throw new InflateFault('it is cut short')
    const trailer = new DataView(this.#input.buffer, this.#at, TRAILER)
    if (trailer.getUint32(0, true) !== this.#crc) throw new InflateFault('its checksum is wrong')
    if (trailer.getUint32(4, true) !== this.#memberBytes >>> 0) throw new InflateFault('its length is wrong')
    this.#at += TRAILER
    this.#members++
    this.#inflate = undefined
  }
}

/** The bytes of a member's header, which must be whole and at most 1 KiB. Throws an `InflateFault`. */
function headerLength(input: Uint8Array): number {
  if (input[0] !== 0x1f || input[1] !== 0x8b) throw new InflateFault('it is no gzip data, or something else follows it')
  const flags = input[3] ?? 0
  if (input[2] !== 8 || (flags & RESERVED) !== 0) throw new InflateFault('it uses options that are not supported')
  let length = FIXED_HEADER
  if ((flags & FEXTRA) !== 0) length += 2 + (input[length] ?? 0) + 256 * (input[length + 1] ?? 0)
  for (const flag of [FNAME, FCOMMENT]) {
    if ((flags & flag) === 0) continue
    const nul = input.indexOf(0, length)
    length = nul < 0 ? Number.POSITIVE_INFINITY : nul + 1
  }
  if ((flags & FHCRC) !== 0) length += 2
  if (length > Math.min(input.length, MARGIN)) throw new InflateFault('its header is cut short or over 1 KiB')
  return length
}
