import { DebianError } from '../errors.ts'

/** How a member of a .deb is compressed (deb(5)): `control.tar`, `.gz`, `.xz` or `.zst`. */
export type Compression = 'none' | 'gzip' | 'xz' | 'zstd'

/** Undoes a compression, pushed and synchronous. After it has thrown it is of no more use. */
export interface Decoder {
  /** Takes the next compressed bytes; they are no longer referred to when it returns. */
  push(chunk: Uint8Array): void
  /** Says that there are no more. Throws `COMPRESSION_INVALID` when the data is not whole. */
  end(): void
}

/** How much output is too much: a bomb. Beyond it, decoding stops with `COMPRESSION_LIMIT`. */
export interface DecodeLimits {
  /** Bytes. */
  readonly maxOutput: number
  /** Bytes of output per byte of input, looked at once there are more than 32 MiB of output. */
  readonly maxRatio: number
}

/** What a decoder is made for. */
export interface DecoderOptions {
  /** Names the input in errors. */
  readonly origin: string
  readonly limits: DecodeLimits
  /** Takes output in order; a chunk is valid only during the call. */
  readonly onOutput: (chunk: Uint8Array) => void
}

/** Makes a decoder for a compression. Another one may use the host's tools, as long as its output is the same. */
export type DecoderFactory = (compression: Compression, options: DecoderOptions) => Decoder

/** Limits that every package of Debian keeps. */
export const DECODE_LIMITS: DecodeLimits = { maxOutput: 16 * 2 ** 30, maxRatio: 1000 }

const HARMLESS_OUTPUT = 32 * 2 ** 20

/** Hands on output within its limits, and words the errors of one decoder. */
export class DecoderOutput {
  readonly #options: DecoderOptions
  readonly #name: string
  #bytes = 0

  constructor(name: string, options: DecoderOptions) {
    this.#name = name
    this.#options = options
  }

  /** Bytes of output so far. */
  get bytes(): number {
    return this.#bytes
  }

  /** How many bytes all output may have once `input` bytes are consumed. */
  allowance(input: number): number {
    const { maxOutput, maxRatio } = this.#options.limits
    return Math.min(maxOutput, Math.max(HARMLESS_OUTPUT, input * maxRatio))
  }

  /** Hands on a chunk, made of the first `input` bytes of all input. Throws `COMPRESSION_LIMIT` instead of too much. */
  write(chunk: Uint8Array, input: number): void {
    this.#bytes += chunk.length
    this.announce(this.#bytes, input)
    this.#options.onOutput(chunk)
  }

  /** Hears how many bytes `input` bytes give before they do. Throws `COMPRESSION_LIMIT` if that is too much. */
  announce(bytes: number, input: number): void {
    const allowance = this.allowance(input)
    if (bytes > allowance) throw this.limit(`${input} bytes give over ${allowance} bytes`)
  }

  /** Names the input in errors. */
  get origin(): string {
    return this.#options.origin
  }

  invalid(reason: string, cause?: unknown): DebianError {
    const options = cause === undefined ? {} : { cause }
    return new DebianError('COMPRESSION_INVALID', this.#message(reason), options)
  }

  limit(reason: string): DebianError {
    return new DebianError('COMPRESSION_LIMIT', this.#message(reason))
  }

  #message(reason: string): string {
    return `cannot decode ${this.#name} data of ${this.#options.origin}: ${reason}`
  }
}
