const NEWLINE = 0x0a

/** Reads a body in pieces of known lengths while it comes. */
export class BodyReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array()

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#chunks = body[Symbol.asyncIterator]()
  }

  /** The bytes before the next newline, which is taken too; `undefined` where none comes within `limit` bytes. */
  async line(limit: number): Promise<Uint8Array | undefined> {
    const parts: Uint8Array[] = []
    for (let size = 0; size <= limit; ) {
      const end = this.#rest.indexOf(NEWLINE)
      parts.push(end < 0 ? this.#rest : this.#rest.subarray(0, end))
      size += parts.at(-1)?.length ?? 0
      this.#rest = end < 0 ? new Uint8Array() : this.#rest.subarray(end + 1)
      if (end >= 0) return size > limit ? undefined : Buffer.concat(parts)
      if (!(await this.#next())) return undefined
    }
    return undefined
  }

  /** The next so many bytes, as a copy of their own; `undefined` where the body ends before. */
  async take(length: number): Promise<Uint8Array | undefined> {
    // A slice of what the socket gave would keep all of it alive.
    const bytes = Buffer.allocUnsafeSlow(length)
    for (let filled = 0; filled < length; ) {
      if (this.#rest.length === 0 && !(await this.#next())) return undefined
      const part = this.#rest.subarray(0, length - filled)
      bytes.set(part, filled)
      filled += part.length
      this.#rest = this.#rest.subarray(part.length)
    }
    return bytes
  }

  /** Whether nothing is left. */
  async isAtEnd(): Promise<boolean> {
    while (this.#rest.length === 0) if (!(await this.#next())) return true
    return false
  }

  async #next(): Promise<boolean> {
    const { done, value } = await this.#chunks.next()
    if (done === true) return false
    this.#rest = value
    return true
  }
}
