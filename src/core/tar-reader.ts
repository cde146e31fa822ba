import { CoreError } from './errors.ts'
import { isZero, parseTarBlock, TarFault } from './tar-block.ts'
import { TarExtensions } from './tar-extensions.ts'
import { TAR_BLOCK, type TarHeader, type TarLimits } from './tar-header.ts'
import { tarPadding } from './tar-writer.ts'

/** Takes a file's content: any number of chunks, each valid only during the call, then `end` once. */
export interface ContentSink {
  write(chunk: Uint8Array): void
  end(): void
}

/** What a `TarReader` is made for. */
export interface TarReaderOptions {
  /** Names the archive in errors. */
  readonly origin: string
  readonly limits: TarLimits
  /**
   * Called once for each entry, in order; what it gives takes the content of a file, nothing skips it. `offset` is where
   * the content starts in the archive.
   */
  readonly onEntry: (header: TarHeader, offset: number) => ContentSink | undefined
}

const NOTHING = Buffer.alloc(0)

/**
 * Reads a tar archive that is pushed in chunks of any size: ustar, GNU long names and base-256 numbers, pax extended
 * and global headers. Content is passed on without copying. Strict: one archive, whole, ended by two zero records and
 * then only zeros. Throws `TAR_INVALID` or `TAR_LIMIT`, naming the entry; after that the reader is of no more use.
 */
export class TarReader {
  readonly #origin: string
  readonly #limits: TarLimits
  readonly #onEntry: TarReaderOptions['onEntry']
  readonly #extensions: TarExtensions
  /** The beginning of a header whose rest is still to come. */
  #partial = NOTHING
  /** Bytes of content, then of padding, that are still to come. */
  #content = 0
  #padding = 0
  #sink: ContentSink | undefined
  /** Chunks of the extension header that is being read. */
  #extension: Buffer[] | undefined
  #zeroBlocks = 0
  #entries = 0
  #lastPath = ''
  #bytes = 0

  constructor({ origin, limits, onEntry }: TarReaderOptions) {
    this.#origin = origin
    this.#limits = limits
    this.#onEntry = onEntry
    this.#extensions = new TarExtensions(limits)
  }

  /** Takes the next bytes of the archive. They are no longer referred to when it returns. */
  push(chunk: Uint8Array): void {
    this.#bytes += chunk.length
    if (this.#bytes > this.#limits.totalBytes) throw this.#limit(`it is over ${this.#limits.totalBytes} bytes`)
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    try {
      for (let at = 0; at < bytes.length; ) {
        at =
          this.#content > 0
            ? this.#takeContent(bytes, at)
            : this.#padding > 0
              ? this.#skip(bytes, at)
              : this.#take(bytes, at)
      }
    } catch (error) {
      if (!(error instanceof TarFault)) throw error
      throw error.limit ? this.#limit(error.reason) : this.#invalid(error.reason)
    }
  }

  /** Says that the archive has no more bytes. Throws `TAR_INVALID` when it is not whole. */
  end(): void {
    if (this.#zeroBlocks < 2 || this.#partial.length > 0) throw this.#invalid('it is cut short')
  }

  #takeContent(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#content)
    const piece = bytes.subarray(at, end)
    if (this.#extension !== undefined) this.#extension.push(Buffer.from(piece))
    else this.#sink?.write(piece)
    this.#content -= end - at
    if (this.#content === 0) this.#endContent()
    return end
  }

  #endContent(): void {
    const sink = this.#sink
    const extension = this.#extension
    this.#sink = undefined
    this.#extension = undefined
    if (extension !== undefined) this.#extensions.add(Buffer.concat(extension))
    sink?.end()
  }

  #skip(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#padding)
    this.#padding -= end - at
    return end
  }

  /** Takes a header, from `bytes` alone where it is whole in there. */
  #take(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + TAR_BLOCK - this.#partial.length)
    const piece = bytes.subarray(at, end)
    const block = this.#partial.length === 0 ? piece : Buffer.concat([this.#partial, piece])
    if (block.length < TAR_BLOCK) {
      this.#partial = Buffer.from(block)
    } else {
      this.#partial = NOTHING
      this.#takeBlock(block, this.#bytes - bytes.length + end)
    }
    return end
  }

  #takeBlock(block: Buffer, end: number): void {
    if (isZero(block)) {
      if (this.#extensions.pending) throw new TarFault('it ends behind an extended header')
      this.#zeroBlocks++
      return
    }
    if (this.#zeroBlocks > 0) throw new TarFault('something follows its end')
    const fields = parseTarBlock(block)
    if (this.#extensions.begins(fields)) {
      this.#extension = []
      this.#expect(fields.size)
      if (fields.size === 0) this.#endContent()
      return
    }
    if (this.#entries === this.#limits.entries) throw new TarFault(`it has over ${this.#limits.entries} entries`, true)
    const header = this.#extensions.apply(fields)
    this.#entries++
    this.#lastPath = header.path
    this.#expect(header.size)
    this.#sink = this.#onEntry(header, end)
    if (header.size === 0) this.#endContent()
  }

  #expect(size: number): void {
    this.#content = size
    this.#padding = tarPadding(size)
  }

  #invalid(reason: string): CoreError {
    return new CoreError('TAR_INVALID', this.#message(reason))
  }

  #limit(reason: string): CoreError {
    return new CoreError('TAR_LIMIT', this.#message(reason))
  }

  #message(reason: string): string {
    const place = this.#entries === 0 ? 'at its beginning' : `at or behind entry ${this.#entries}, "${this.#lastPath}"`
    return `cannot read tar archive ${this.#origin}: ${place}: ${reason}`
  }
}
