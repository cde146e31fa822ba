import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { hasSystemCode } from '#core'
import type { ContentDigest } from '../../registry/content-digest.ts'
import type { ContentPlace } from '../../registry/state.ts'
import { storeError, syncFolder } from './disk.ts'

const NAME = /^(\d{12})\.pack$/
/** How many buffers go to the system at once. */
const PARTS = 1000

/** Many small contents in one file, one behind another: `packs/N.pack`. A pack is written once, and goes as a whole. */
export class ContentPacks {
  readonly #folder: string
  /** Sizes in bytes by number. */
  readonly #sizes: Map<number, number>
  /** Packs to which the state does not lead yet. */
  readonly #pending = new Set<number>()
  #next: number

  private constructor(folder: string, sizes: Map<number, number>) {
    this.#folder = folder
    this.#sizes = sizes
    this.#next = Math.max(0, ...sizes.keys()) + 1
  }

  static async open(root: string): Promise<ContentPacks> {
    const folder = join(root, 'packs')
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const sizes = new Map<number, number>()
    for (const name of await readdir(folder)) {
      const number = Number(NAME.exec(name)?.[1] ?? 0)
      if (number > 0) sizes.set(number, (await stat(join(folder, name))).size)
    }
    return new ContentPacks(folder, sizes)
  }

  /** Every pack that the state has had time to lead to, with its size in bytes. */
  list(): [number, number][] {
    return [...this.#sizes].filter(([number]) => !this.#pending.has(number))
  }

  /**
   * Writes contents to a new pack, durably, and has `lead` make the state lead to it. Rejects with `STORE_FULL` or `STORE_FAILED`, or
   * as `lead` does; then the pack holds nothing that anybody needs.
   */
  async write(
    contents: readonly (readonly [ContentDigest, Uint8Array])[],
    lead: (places: ReadonlyMap<ContentDigest, ContentPlace>) => Promise<void>,
  ): Promise<void> {
    const number = this.#next++
    const places = new Map<ContentDigest, ContentPlace>()
    let size = 0
    for (const [digest, bytes] of contents) {
      places.set(digest, { pack: number, at: size })
      size += bytes.length
    }
    this.#pending.add(number)
    try {
      await this.#store(number, contents)
      this.#sizes.set(number, size)
      await lead(places)
    } finally {
      this.#pending.delete(number)
    }
  }

  /** Whether a pack is there that reaches so far. */
  has({ pack, at }: ContentPlace, size: number): boolean {
    return at + size <= (this.#sizes.get(pack) ?? -1)
  }

  /** Reads a content, or gives `undefined` where its pack is gone or ends before. Rejects with `STORE_FAILED`. */
  async read({ pack, at }: ContentPlace, size: number): Promise<Uint8Array | undefined> {
    try {
      const file = await open(this.#path(pack), 'r')
      try {
        const bytes = Buffer.allocUnsafeSlow(size)
        for (let filled = 0; filled < size; ) {
          const { bytesRead } = await file.read(bytes, filled, size - filled, at + filled)
          if (bytesRead === 0) return undefined
          filled += bytesRead
        }
        return bytes
      } finally {
        await file.close()
      }
    } catch (cause) {
      if (hasSystemCode(cause, 'ENOENT')) return undefined
      throw storeError(cause, `read ${this.#path(pack)}`)
    }
  }

  /** Removes a pack to which nothing leads. */
  async remove(number: number): Promise<void> {
    this.#sizes.delete(number)
    await rm(this.#path(number), { force: true })
  }

  async #store(number: number, contents: readonly (readonly [ContentDigest, Uint8Array])[]): Promise<void> {
    const path = this.#path(number)
    try {
      const file = await open(path, 'w', 0o600)
      try {
        for (let start = 0; start < contents.length; start += PARTS) {
          const parts = contents.slice(start, start + PARTS).map(([, bytes]) => bytes)
          const size = parts.reduce((sum, part) => sum + part.length, 0)
          const { bytesWritten } = await file.writev(parts)
          if (bytesWritten !== size) await file.writeFile(Buffer.concat(parts).subarray(bytesWritten))
        }
        await file.datasync()
      } finally {
        await file.close()
      }
      await syncFolder(this.#folder)
    } catch (cause) {
      await rm(path, { force: true }).catch(() => undefined)
      throw storeError(cause, `write ${path}`)
    }
  }

  #path(number: number): string {
    return join(this.#folder, `${String(number).padStart(12, '0')}.pack`)
  }
}
