import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hexOf } from '#core'
import { defaultCacheFolder } from '#debian'
import type { Layer, OpenedLayer } from '#oci'
import { writeWhole } from './print-output.ts'
import { packageVersion } from './version.ts'

/** Bytes of a layer below which reading it again is as quick. */
const SMALLEST = 2 ** 16
/** Characters of what is remembered of one layer. */
const LARGEST = 2 ** 27
const SUM = 64

/**
 * What was noted of layers that were read before, a text each by the digest of its bytes, in a folder of the cache. What is
 * damaged there counts as unknown. `format` is raised when what is looked for in layers changes.
 */
export class LayerNotes {
  readonly #folder: string
  readonly #maker: string

  constructor(folder: string, format: string) {
    this.#folder = join(defaultCacheFolder(), folder)
    this.#maker = noteMaker(format)
  }

  /** Whether nothing is to be kept of a layer: something is, or it is too small. */
  has(layer: Layer): boolean {
    return layer.descriptor.size < SMALLEST || existsSync(this.#path(layer))
  }

  /**
   * What is noted of a layer; `undefined` where nothing is. The layer's own bytes are read and held against its digest before
   * that: rejects with `BLOB_MISMATCH` as reading them does.
   */
  async recall(layer: OpenedLayer): Promise<string | undefined> {
    const known = await this.noted(layer)
    if (known === undefined) return undefined
    await layer.verify()
    return known
  }

  /** The same without reading the layer, for who asks about the bytes that its digest names, wherever they are now. */
  async noted(layer: Layer): Promise<string | undefined> {
    return layer.descriptor.size < SMALLEST ? undefined : this.#read(layer)
  }

  /** Keeps what was read of a layer whose bytes and diff ID were verified, or made here. Where the cache cannot be written, nothing is kept. */
  async keep(layer: Layer, text: string): Promise<void> {
    const noted = `${layer.diffId} ${text}`
    if (layer.descriptor.size < SMALLEST || noted.length > LARGEST) return
    try {
      await mkdir(this.#folder, { recursive: true })
      await writeWhole(`${sumOf(noted)}\n${noted}`, this.#path(layer))
    } catch {
      // A folder that is closed to us, or a full disk: the next scan reads the layer again.
    }
  }

  async #read(layer: Layer): Promise<string | undefined> {
    const text = await readFile(this.#path(layer), 'utf8').catch(() => '')
    const noted = text.slice(SUM + 1)
    if (text === '' || sumOf(noted) !== text.slice(0, SUM)) return undefined
    const own = `${layer.diffId} `
    return noted.startsWith(own) ? noted.slice(own.length) : undefined
  }

  #path({ descriptor }: Layer): string {
    return join(this.#folder, `${hexOf(descriptor.digest)}-${this.#maker}`)
  }
}

/** Names who makes notes: what another release or format notes may be something else. */
export function noteMaker(format: string): string {
  return createHash('sha256').update(`${format} ${packageVersion()}`).digest('hex').slice(0, 16)
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
