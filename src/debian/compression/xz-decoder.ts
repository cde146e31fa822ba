import { encodeTarEntry, TAR_END, tarPadding } from '#core'
import { type Decoder, type DecoderOptions, DecoderOutput } from './decoder.ts'
import type { Libarchive } from './libarchive.ts'
import { dictionarySize, storedXzStream, xzStreams } from './xz-streams.ts'

const MAX_DICTIONARY = 64 * 2 ** 20
/** What is decoded stands in memory: of WebAssembly, which has 2 GiB. */
const MAX_INPUT = 2 ** 30
const OUTPUT_SIZE = 256 * 1024
/** The longest header of a block (xz format §3.1.1). */
const BLOCK_HEADER = 1024

/** Makes xz decoders that share one libarchive, which must work for one of them at a time. */
export class XzDecoders {
  readonly #library: Libarchive
  #outputAt: number | undefined

  constructor(library: Libarchive) {
    this.#library = library
  }

  /**
   * Gives a decoder for one or more xz streams with stream padding (xz format §2). It works at the end, with all input in
   * memory. Dictionaries over 64 MiB and input over 1 GiB are refused with `COMPRESSION_LIMIT`; whatever is damaged, cut
   * short or followed by something, with `COMPRESSION_INVALID`.
   */
  decoder(options: DecoderOptions): Decoder {
    this.#outputAt ??= this.#library.module._malloc(OUTPUT_SIZE)
    return new XzDecoder(this.#library, this.#outputAt, options)
  }
}

class XzDecoder implements Decoder {
  readonly #library: Libarchive
  /** Where decoded bytes are put before they are handed on. */
  readonly #outputAt: number
  readonly #output: DecoderOutput
  readonly #chunks: Uint8Array[] = []
  #size = 0

  constructor(library: Libarchive, outputAt: number, options: DecoderOptions) {
    this.#library = library
    this.#outputAt = outputAt
    this.#output = new DecoderOutput('xz', options)
  }

  push(chunk: Uint8Array): void {
    this.#size += chunk.length
    if (this.#size > MAX_INPUT) throw this.#output.limit(`it is over ${MAX_INPUT} bytes long`)
    this.#chunks.push(Uint8Array.from(chunk))
  }

  end(): void {
    const { module } = this.#library
    const input = Buffer.concat(this.#chunks, this.#size)
    this.#chunks.length = 0
    const total = this.#measure(input)
    // libarchive gives the content of an archive's entries only, and undoes compression on the way to it. So the data is
    // made the one entry of a tar whose head and tail are xz streams that stand before and behind it.
    const head = storedXzStream(encodeTarEntry({ ...ENTRY, size: total }))
    const tail = storedXzStream(Buffer.concat([new Uint8Array(tarPadding(total)), TAR_END]))
    const whole = [head, input, tail]
    const length = whole.reduce((sum, part) => sum + part.length, 0)
    const address = module._malloc(length)
    if (address === 0) throw this.#output.limit(`there is no memory for ${length} bytes`)
    try {
      let at = address
      for (const part of whole) {
        module.HEAP8.set(part, at)
        at += part.length
      }
      this.#decode(address, length, total)
    } finally {
      module._free(address)
    }
  }

  /** How many bytes the input decodes to, by its indexes. */
  #measure(input: Uint8Array): number {
    const streams = xzStreams(
      (offset, length) => input.subarray(offset, offset + length),
      input.length,
      this.#output.origin,
    )
    let total = 0
    for (const { offset, uncompressedSize } of streams.flatMap((stream) => stream.blocks)) {
      if (dictionarySize(input.subarray(offset, offset + BLOCK_HEADER)) > MAX_DICTIONARY) {
        throw this.#output.limit('its dictionary is over 64 MiB')
      }
      total += uncompressedSize
    }
    this.#output.announce(total, input.length)
    return total
  }

  #decode(address: number, length: number, total: number): void {
    const library = this.#library
    const archive = this.#attempt(() => library.read_new_memory(address, length))
    try {
      this.#attempt(() => library.read_next_entry(archive))
      for (;;) {
        const size = this.#attempt(() => library.read_data(archive, this.#outputAt, OUTPUT_SIZE))
        if (size === 0) break
        const { buffer } = library.module.HEAP8
        this.#output.write(new Uint8Array(buffer, this.#outputAt, size), this.#size)
      }
      // The way to the tar's end leads through the rest of the last stream: its padding, index and footer.
      const next = this.#attempt(() => library.read_next_entry(archive))
      if (next !== 0 || library.error_string(archive) !== '' || this.#output.bytes !== total) throw this.#damaged()
    } finally {
      library.read_free(archive)
    }
  }

  /** What libarchive says of a failure is about the tar, which is none of the caller's. */
  #attempt(call: () => number): number {
    try {
      return call()
    } catch {
      throw this.#damaged()
    }
  }

  #damaged(): Error {
    return this.#output.invalid('it is damaged')
  }
}

/** Its name means nothing. */
const ENTRY = { path: 'data', type: 'file', mode: 0, uid: 0, gid: 0, mtime: 0 } as const
