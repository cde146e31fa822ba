import { type Decoder, type DecoderOptions, DecoderOutput } from './decoder.ts'
import { instantiateXz, type XzExports, type XzModule } from './xz-module.ts'

/** Results of xz-embedded (`enum xz_ret`). */
const OK = 0
const STREAM_END = 1
const CUT_SHORT = 'it is cut short, or something else follows it'
const REASONS: Readonly<Record<number, string>> = {
  2: 'its integrity check is of an unsupported kind',
  5: 'it is no xz data, or something else follows it',
  6: 'it uses options that are not supported',
  7: 'it is damaged',
  8: CUT_SHORT,
}
const MEMORY_RESULTS = [3, 4]

/** Where the context keeps its state, in 32-bit words: `bufsize`, then xz-embedded's `struct xz_buf`. */
const BUFFER_SIZE = 0
const IN = 1
const IN_POS = 2
const IN_SIZE = 3
const OUT = 4
const OUT_POS = 5

/** Makes xz decoders that share one compiled module; each has an instance of its own while it works. */
export class XzDecoders {
  readonly #module: XzModule
  /** An instance whose decoder ended well, kept with its memory for the next one. */
  #idle: XzExports | undefined

  constructor(module: XzModule) {
    this.#module = module
  }

  /**
   * Gives a decoder for one or more xz streams with stream padding (xz format §2). Dictionaries over 64 MiB are
   * refused with `COMPRESSION_LIMIT`; whatever is damaged, cut short or followed by something, with `COMPRESSION_INVALID`.
   */
  decoder(options: DecoderOptions): Decoder {
    const instance = this.#idle ?? instantiateXz(this.#module)
    this.#idle = undefined
    return new XzDecoder(instance, options, () => {
      this.#idle = instance
    })
  }
}

class XzDecoder implements Decoder {
  readonly #instance: XzExports
  readonly #output: DecoderOutput
  readonly #release: () => void
  readonly #context: number
  #bytes: Uint8Array
  #words: Uint32Array
  /** Bytes of input before those that the context holds. */
  #consumed = 0

  constructor(instance: XzExports, options: DecoderOptions, release: () => void) {
    this.#instance = instance
    this.#output = new DecoderOutput('xz', options)
    this.#release = release
    this.#context = instance.create_context()
    this.#bytes = new Uint8Array(instance.memory.buffer)
    this.#words = new Uint32Array(instance.memory.buffer, this.#context)
  }

  push(chunk: Uint8Array): void {
    const room = this.#word(BUFFER_SIZE)
    for (let at = 0; at < chunk.length; at += room) this.#supply(chunk.subarray(at, at + room))
  }

  end(): void {
    // A supply of nothing is how the context learns that the input has ended.
    this.#instance.supply_input(this.#context, 0)
    for (;;) {
      const before = this.#output.bytes
      if (this.#run() === STREAM_END) break
      if (this.#output.bytes === before) throw this.#output.invalid(CUT_SHORT)
    }
    this.#instance.destroy_context(this.#context)
    this.#release()
  }

  #supply(piece: Uint8Array): void {
    this.#bytes.set(piece, this.#word(IN))
    this.#instance.supply_input(this.#context, piece.length)
    do this.#run()
    while (this.#word(IN_POS) < this.#word(IN_SIZE))
    this.#consumed += piece.length
  }

  /** Decodes until the input is used up or the output buffer full, and hands the output on. */
  #run(): number {
    const result = this.#instance.get_next_output(this.#context)
    this.#refresh()
    if (result !== OK && result !== STREAM_END) throw this.#fault(result)
    const size = this.#word(OUT_POS)
    if (size > 0) {
      const start = this.#word(OUT)
      this.#words[OUT_POS] = 0
      this.#output.write(this.#bytes.subarray(start, start + size), this.#consumed + this.#word(IN_POS))
    }
    return result
  }

  /** Memory that has grown is another buffer. */
  #refresh(): void {
    const { buffer } = this.#instance.memory
    if (this.#bytes.buffer === buffer) return
    this.#bytes = new Uint8Array(buffer)
    this.#words = new Uint32Array(buffer, this.#context)
  }

  #word(index: number): number {
    return this.#words[index] ?? 0
  }

  #fault(result: number): Error {
    if (MEMORY_RESULTS.includes(result)) return this.#output.limit('its dictionary is over 64 MiB')
    return this.#output.invalid(REASONS[result] ?? `the decoder says ${result}`)
  }
}
