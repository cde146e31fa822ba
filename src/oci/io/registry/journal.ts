import { type FileHandle, open, readdir, readFile, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { OciError } from '../../errors.ts'
import { formatBatch, type JournalBatch, readBatches } from '../../registry/journal-format.ts'
import { storeError, syncFolder } from './disk.ts'

const NAME = /^(\d{12})\.journal$/

/**
 * Files to which batches are appended; each batch is durable when `append` resolves. They are numbered, and the newest
 * is written to. When a write fails, the journal takes itself back to the last durable batch; where that fails too, it
 * is broken until it was rotated and the old one removed.
 */
export class Journal {
  readonly #folder: string
  #number: number
  #file: FileHandle
  #size: number
  /** The journal that took a write which failed, until it is gone. */
  #broken: number | undefined

  private constructor(folder: string, number: number, file: FileHandle, size: number) {
    this.#folder = folder
    this.#number = number
    this.#file = file
    this.#size = size
  }

  /**
   * Opens the journals numbered from `first` on, hands over their batches in order, and cuts off what was never
   * acknowledged. Rejects with `STORE_DAMAGED`.
   */
  static async open(folder: string, first: number, onBatch: (batch: JournalBatch) => void): Promise<Journal> {
    const numbers = (await numbersIn(folder)).filter((number) => number >= first)
    let [number, size] = [first, 0]
    for (const found of numbers) {
      if (found !== number + (found === first ? 0 : 1)) {
        throw new OciError('STORE_DAMAGED', `cannot open ${folder}: ${nameOf(number + 1)} is missing`)
      }
      const path = join(folder, nameOf(found))
      const { batches, end } = readBatches(await readFile(path), path)
      for (const batch of batches) onBatch(batch)
      await truncate(path, end)
      ;[number, size] = [found, end]
    }
    const file = await open(join(folder, nameOf(number)), 'a', 0o600)
    await file.datasync()
    await syncFolder(folder)
    return new Journal(folder, number, file, size)
  }

  /** Bytes in the journal that is written to. */
  get size(): number {
    return this.#size
  }

  get isBroken(): boolean {
    return this.#broken !== undefined
  }

  /** Makes a batch durable. Rejects with `STORE_FULL` or `STORE_FAILED`; then nothing of it will be found again. */
  async append(batch: JournalBatch): Promise<void> {
    if (this.isBroken) throw new OciError('STORE_FAILED', `cannot write to ${this.#path}: an earlier write failed`)
    const parts = formatBatch(batch)
    const size = parts.reduce((sum, part) => sum + part.length, 0)
    try {
      const { bytesWritten } = await this.#file.writev(parts)
      if (bytesWritten !== size) await this.#file.writeFile(Buffer.concat(parts).subarray(bytesWritten))
    } catch (cause) {
      await this.#file.truncate(this.#size).catch(() => {
        this.#broken = this.#number
      })
      throw storeError(cause, `write to ${this.#path}`)
    }
    try {
      await this.#file.datasync()
    } catch (cause) {
      // What a failed sync left in the file is unknown, and another sync may claim success: only a new file helps.
      this.#broken = this.#number
      throw storeError(cause, `make ${this.#path} durable`)
    }
    this.#size += size
  }

  /** Begins a new journal and gives its number; the older ones stay until `removeBefore`, and a broken one broken. */
  async rotate(): Promise<number> {
    // A checkpoint before has begun it and came no further: a disk that fails for long is not filled with empty journals.
    if (this.#broken !== undefined && this.#number > this.#broken) return this.#number
    const number = this.#number + 1
    const path = join(this.#folder, nameOf(number))
    let file: FileHandle | undefined
    try {
      file = await open(path, 'a', 0o600)
      await file.truncate(0)
      await syncFolder(this.#folder)
    } catch (cause) {
      await file?.close().catch(() => undefined)
      throw storeError(cause, `begin ${path}`)
    }
    const old = this.#file
    this.#file = file
    this.#number = number
    this.#size = 0
    await old.close().catch(() => undefined)
    return number
  }

  /** Removes the journals before a number: what is in them stands elsewhere by now. What was broken went with them. */
  async removeBefore(number: number): Promise<void> {
    this.#broken = undefined
    for (const old of await numbersIn(this.#folder)) {
      if (old < number) await rm(join(this.#folder, nameOf(old)), { force: true })
    }
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  get #path(): string {
    return join(this.#folder, nameOf(this.#number))
  }
}

async function numbersIn(folder: string): Promise<number[]> {
  const names = await readdir(folder)
  return names.flatMap((name) => Number(NAME.exec(name)?.[1] ?? []) || []).sort((left, right) => left - right)
}

function nameOf(number: number): string {
  return `${String(number).padStart(12, '0')}.journal`
}
