import { zstdDecompressSync } from 'node:zlib'
import { type Decoder, type DecoderOptions, DecoderOutput } from './decoder.ts'
import { zstdFrames } from './zstd-frame.ts'

/** What one frame may give, because `node:zlib` gives it as one buffer. */
const MAX_FRAME_OUTPUT = 2 ** 30

/**
 * Decodes zstd data (RFC 8878): frames and skippable frames, and nothing else. It works at the end, frame by frame,
 * with all input in memory and a frame's output too: a frame of over 1 GiB, or with a window of over 128 MiB, is refused.
 */
export class ZstdDecoder implements Decoder {
  readonly #output: DecoderOutput
  readonly #chunks: Uint8Array[] = []

  constructor(options: DecoderOptions) {
    this.#output = new DecoderOutput('zstd', options)
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(Uint8Array.from(chunk))
  }

  end(): void {
    const data = Buffer.concat(this.#chunks)
    this.#chunks.length = 0
    const frames = zstdFrames(data)
    if (typeof frames === 'string') throw this.#output.invalid(frames)
    for (const { offset, length, skippable } of frames) {
      if (!skippable) this.#decode(data.subarray(offset, offset + length), offset + length)
    }
  }

  #decode(frame: Uint8Array, consumed: number): void {
    const most = Math.min(MAX_FRAME_OUTPUT, this.#output.allowance(consumed) - this.#output.bytes)
    let output: Uint8Array
    try {
      output = zstdDecompressSync(frame, { maxOutputLength: Math.max(most, 1) })
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'ERR_BUFFER_TOO_LARGE') throw this.#output.limit(`${consumed} bytes give over ${most} bytes`)
      if (code === 'ZSTD_error_frameParameter_windowTooLarge') throw this.#output.limit('its window is over 128 MiB')
      throw this.#output.invalid('it is damaged', error)
    }
    this.#output.write(output, consumed)
  }
}
