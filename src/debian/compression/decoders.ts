import { type Decoder, type DecoderFactory, type DecoderOptions, DecoderOutput } from './decoder.ts'
import { GzipDecoder } from './gzip-decoder.ts'
import type { Libarchive } from './libarchive.ts'
import { XzDecoders } from './xz-decoder.ts'
import { ZstdDecoder } from './zstd-decoder.ts'

/** Makes the decoders that need nothing of the host, for one thread. */
export function createDecoders(libarchive: Libarchive): DecoderFactory {
  const xzDecoders = new XzDecoders(libarchive)
  return (compression, options) => {
    switch (compression) {
      case 'none':
        return new StoredDecoder(options)
      case 'gzip':
        return new GzipDecoder(options)
      case 'xz':
        return xzDecoders.decoder(options)
      case 'zstd':
        return new ZstdDecoder(options)
    }
  }
}

class StoredDecoder implements Decoder {
  readonly #output: DecoderOutput
  #consumed = 0

  constructor(options: DecoderOptions) {
    this.#output = new DecoderOutput('uncompressed', options)
  }

  push(chunk: Uint8Array): void {
    this.#consumed += chunk.length
    this.#output.write(chunk, this.#consumed)
  }

  end(): void {}
}
