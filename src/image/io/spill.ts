import { closeSync, openSync } from 'node:fs'
import type { TarPart } from '../member-plan.ts'
import { readBytes, writeBytes } from './file-bytes.ts'

/** Up to this many bytes of one package stay in memory. */
export const MEMORY_LIMIT = 24 * 1024 * 1024

const READ = 1024 * 1024

/** A package's decoded data on its way from the .deb to the member: in memory while it is small, then in a file. */
export class Spill implements Disposable {
  readonly path: string
  readonly #memory: Buffer
  /** Bytes in memory, behind those in the file. */
  #buffered = 0
  #written = 0
  #file: number | undefined

  /**
   * `path` stays unused until there are more than `memoryLimit` bytes. Where the first `written` bytes stand in it
   * already, what is appended goes behind them.
   */
  constructor(path: string, memoryLimit = MEMORY_LIMIT, written = 0) {
    this.path = path
    this.#memory = takeMemory(memoryLimit)
    this.#written = written
    if (written > 0) this.#file = openSync(path, 'r+')
  }

  /** Whether the bytes stand in the file at `path` rather than in memory. */
  get isFile(): boolean {
    return this.#file !== undefined
  }

  /** Bytes taken so far: the offset of what comes next. */
  get size(): number {
    return this.#written + this.#buffered
  }

  /** Takes a copy of the bytes. */
  append(bytes: Uint8Array): void {
    for (let taken = 0; taken < bytes.length; ) {
      if (this.#buffered === this.#memory.length) this.#flush()
      const piece = bytes.subarray(taken, taken + this.#memory.length - this.#buffered)
      this.#memory.set(piece, this.#buffered)
      this.#buffered += piece.length
      taken += piece.length
    }
  }

  /** Writes out what is still buffered of a spill that has become a file. */
  finish(): void {
    if (this.#file !== undefined) this.#flush()
  }

  /** Gives all bytes in order, after `finish`; a chunk is valid only during the call. */
  read(onChunk: (chunk: Uint8Array) => void): void {
    this.readRange(0, this.size, onChunk)
  }

  /** Gives a range in order, after `finish`, without copying what stands in memory; a chunk is valid only during the call. */
  readRange(offset: number, length: number, onChunk: (chunk: Uint8Array) => void): void {
    if (this.#file === undefined) {
      if (length > 0) onChunk(this.#memory.subarray(offset, offset + length))
      return
    }
    for (let at = 0; at < length; at += READ) {
      onChunk(this.assemble([{ offset: offset + at, length: Math.min(READ, length - at) }]))
    }
  }

  /** The bytes of tar parts, after `finish`; valid until this thread assembles others. */
  assemble(parts: readonly TarPart[]): Uint8Array {
    return assembleParts(parts, (target, offset) => {
      if (this.#file === undefined) target.set(this.#memory.subarray(offset, offset + target.length))
      else readBytes(this.#file, target, offset)
    })
  }

  /** Closes the file; whoever named it takes it away. */
  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
    idleMemory.push(this.#memory)
  }

  #flush(): void {
    this.#file ??= openSync(this.path, 'w+')
    writeBytes(this.#file, this.#memory.subarray(0, this.#buffered), this.#written)
    this.#written += this.#buffered
    this.#buffered = 0
  }
}

/** Memory that spills of this thread have given back: the garbage collector would learn of it late. */
const idleMemory: Buffer[] = []

function takeMemory(size: number): Buffer {
  const place = idleMemory.findIndex((memory) => memory.length === size)
  return idleMemory.splice(place, place < 0 ? 0 : 1)[0] ?? Buffer.allocUnsafeSlow(size)
}

/** Reads the parts of one block from a spill file that another thread wrote; valid until this thread assembles others. */
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
  const whole = scratchOf(parts.reduce((sum, part) => sum + part.length, 0))
  let filled = 0
  for (const part of parts) {
    const target = whole.subarray(filled, filled + part.length)
    if (part instanceof Uint8Array) target.set(part)
    else read(target, part.offset)
    filled += part.length
  }
  return whole
}

let scratch = Buffer.alloc(0)

/** Bytes to fill, of this thread: the same for one block after another. */
function scratchOf(size: number): Buffer {
  if (scratch.length < size) scratch = Buffer.allocUnsafeSlow(size)
  return scratch.subarray(0, size)
}
