import { closeSync, openSync } from 'node:fs'
import type { TarPart } from '../member-plan.ts'
import { readBytes, writeBytes } from './file-bytes.ts'

/** Contents up to this many bytes of one package stay in memory. */
const MEMORY_LIMIT = 24 * 1024 * 1024

/** Contents of one package on their way from the .deb to the member: in memory while they are few, then in a file. */
export class Spill implements Disposable {
  readonly path: string
  readonly #memoryLimit: number
  #chunks: Uint8Array[] = []
  #buffered = 0
  #size = 0
  #file: number | undefined

  /** `path` stays unused until there are more than `memoryLimit` bytes. */
  constructor(path: string, memoryLimit = MEMORY_LIMIT) {
    this.path = path
    this.#memoryLimit = memoryLimit
  }

  /** Whether contents stand in the file at `path` rather than in memory. */
  get isFile(): boolean {
    return this.#file !== undefined
  }

  /** Bytes taken so far: the offset of what comes next. */
  get size(): number {
    return this.#size
  }

  /** Takes a copy of the bytes. */
  append(bytes: Uint8Array): void {
    this.#chunks.push(Uint8Array.from(bytes))
    this.#buffered += bytes.length
    this.#size += bytes.length
    if (this.#size > this.#memoryLimit && this.#buffered > BUFFER) this.#flush()
  }

  /** Writes out what is still buffered of a spill that has become a file. */
  finish(): void {
    if (this.#file !== undefined) this.#flush()
    else if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
  }

  /** The bytes of tar parts, after `finish`. */
  assemble(parts: readonly TarPart[]): Uint8Array {
    const [memory = new Uint8Array()] = this.#chunks
    return assembleParts(parts, (target, offset) => {
      if (this.#file === undefined) target.set(memory.subarray(offset, offset + target.length))
      else readBytes(this.#file, target, offset)
    })
  }

  /** Closes the file; whoever named it takes it away. */
  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  #flush(): void {
    this.#file ??= openSync(this.path, 'w+')
    for (const chunk of this.#chunks) writeBytes(this.#file, chunk)
    this.#chunks = []
    this.#buffered = 0
  }
}

const BUFFER = 4 * 1024 * 1024

/** Reads the parts of one block from a spill file that another thread wrote. */
export function readSpilled(path: string, parts: readonly TarPart[]): Uint8Array {
  const file = openSync(path, 'r')
  try {
    return assembleParts(parts, (target, offset) => {
      readBytes(file, target, offset)
    })
  } finally {
    closeSync(file)
  }
}

function assembleParts(parts: readonly TarPart[], read: (target: Uint8Array, offset: number) => void): Uint8Array {
  const whole = Buffer.allocUnsafe(parts.reduce((sum, part) => sum + part.length, 0))
  let filled = 0
  for (const part of parts) {
    const target = whole.subarray(filled, filled + part.length)
    if (part instanceof Uint8Array) target.set(part)
    else read(target, part.offset)
    filled += part.length
  }
  return whole
}
