import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hexOf } from '#core'
import { defaultCacheFolder } from '#debian'
import { type ImageFile, ImageFiles, type Layer, type LayerContent, type OpenedLayer } from '#oci'
import type { ApplicationReadings } from '#sbom'
import { writeWhole } from './print-output.ts'
import { packageVersion } from './version.ts'

/** What one layer holds, as far as an inventory asks. */
export interface LayerFacts {
  readonly content: LayerContent
  readonly applications: ApplicationReadings
}

/** What a file of the memory says; its content is in base64. */
interface Remembered {
  readonly diffId: string
  readonly files: readonly (Omit<ImageFile, 'content' | 'xattrs'> & { readonly content?: string })[]
  readonly removed: readonly string[]
  readonly opaque: readonly string[]
  readonly applications: ApplicationReadings
}

/** To be raised when what is looked for in layers changes between two releases. */
const FORMAT = 2
/** Names who reads layers: what another release or format looks for in them may be something else. */
export function layerReader(): string {
  return createHash('sha256').update(`${FORMAT} ${packageVersion()}`).digest('hex').slice(0, 16)
}

/** Bytes of a layer below which reading it again is as quick. */
const SMALLEST = 2 ** 16
/** Bytes of what is remembered of one layer. */
const LARGEST = 2 ** 27
const SUM = 64

/**
 * What layers hold that were read before, by the digest of their bytes, so that an image whose layers are known is inventoried
 * without unpacking them. Kept in the cache; what is damaged there counts as unknown.
 */
export class LayerMemory {
  readonly #folder: string
  readonly #reader = layerReader()

  constructor(folder = join(defaultCacheFolder(), 'layer-facts')) {
    this.#folder = folder
  }

  /** Whether nothing is to be kept of a layer: something is, or it is too small. */
  has(layer: Layer): boolean {
    return layer.descriptor.size < SMALLEST || existsSync(this.#path(layer))
  }

  /**
   * What is known of a layer; `undefined` where nothing is. The layer's own bytes are read and held against its digest before
   * that: rejects with `BLOB_MISMATCH` as reading them does.
   */
  async recall(layer: OpenedLayer): Promise<LayerFacts | undefined> {
    if (layer.descriptor.size < SMALLEST) return undefined
    const known = await this.#read(layer)
    if (known === undefined) return undefined
    await layer.verify()
    return known
  }

  /** Keeps what was read of a layer whose bytes and diff ID were verified, or made here. Where the cache cannot be written, nothing is kept. */
  async keep(layer: Layer, { content, applications }: LayerFacts): Promise<void> {
    const files = [...content.files.entries()]
    // Attributes are not asked for, and a scan that has them would be another one.
    if (layer.descriptor.size < SMALLEST || files.some(({ xattrs }) => xattrs.size > 0)) return
    const remembered: Remembered = {
      ...{ diffId: layer.diffId, removed: content.removed, opaque: content.opaque, applications },
      files: files.map(({ xattrs: _, content: bytes, ...file }) => ({
        ...file,
        ...(bytes === undefined ? {} : { content: Buffer.from(bytes).toString('base64') }),
      })),
    }
    const text = JSON.stringify(remembered)
    if (text.length > LARGEST) return
    try {
      await mkdir(this.#folder, { recursive: true })
      await writeWhole(`${sumOf(text)}\n${text}`, this.#path(layer))
    } catch {
      // A folder that is closed to us, or a full disk: the next scan reads the layer again.
    }
  }

  async #read(layer: OpenedLayer): Promise<LayerFacts | undefined> {
    const text = await readFile(this.#path(layer), 'utf8').catch(() => '')
    const rest = text.slice(SUM + 1)
    if (text === '' || sumOf(rest) !== text.slice(0, SUM)) return undefined
    // The sum vouches for the form: nobody else writes it.
    const remembered: Remembered = JSON.parse(rest)
    return remembered.diffId === layer.diffId ? factsOf(remembered) : undefined
  }

  #path({ descriptor }: Layer): string {
    return join(this.#folder, `${hexOf(descriptor.digest)}-${this.#reader}`)
  }
}

function factsOf({ files, removed, opaque, applications }: Remembered): LayerFacts {
  const byPath = files.map(({ content, ...file }): [string, ImageFile] => [
    file.path,
    { ...file, xattrs: new Map(), ...(content === undefined ? {} : { content: Buffer.from(content, 'base64') }) },
  ])
  return { content: { files: new ImageFiles(new Map(byPath)), removed, opaque }, applications }
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
