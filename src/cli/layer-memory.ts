import { type ImageFile, ImageFiles, type Layer, type LayerContent, type OpenedLayer } from '#oci'
import type { ApplicationReadings } from '#sbom'
import { LayerNotes, noteMaker } from './layer-notes.ts'

/** What one layer holds, as far as an inventory asks. */
export interface LayerFacts {
  readonly content: LayerContent
  readonly applications: ApplicationReadings
}

/** What a file of the memory says; its content is in base64. */
interface Remembered {
  readonly files: readonly (Omit<ImageFile, 'content' | 'xattrs'> & { readonly content?: string })[]
  readonly removed: readonly string[]
  readonly opaque: readonly string[]
  readonly applications: ApplicationReadings
}

/** To be raised when what is looked for in layers changes between two releases. */
const FORMAT = '3'

/** Names who reads layers: what another release or format looks for in them may be something else. */
export function layerReader(): string {
  return noteMaker(FORMAT)
}

/**
 * What layers hold that were read before, by the digest of their bytes, so that an image whose layers are known is inventoried
 * without unpacking them.
 */
export class LayerMemory {
  readonly #notes = new LayerNotes('layer-facts', FORMAT)

  /** Whether nothing is to be kept of a layer: something is, or it is too small. */
  has(layer: Layer): boolean {
    return this.#notes.has(layer)
  }

  /** What is known of a layer, verified by its digest; `undefined` where nothing is. Rejects as `LayerNotes.recall` does. */
  async recall(layer: OpenedLayer): Promise<LayerFacts | undefined> {
    const text = await this.#notes.recall(layer)
    // The notes' sum vouches for the form: nobody else writes it.
    return text === undefined ? undefined : factsOf(JSON.parse(text))
  }

  /** Keeps what was read of a layer whose bytes and diff ID were verified, or made here. Where the cache cannot be written, nothing is kept. */
  async keep(layer: Layer, { content, applications }: LayerFacts): Promise<void> {
    const files = [...content.files.entries()]
    // Attributes are not asked for, and a scan that has them would be another one.
    if (files.some(({ xattrs }) => xattrs.size > 0)) return
    const remembered: Remembered = {
      ...{ removed: content.removed, opaque: content.opaque, applications },
      files: files.map(({ xattrs: _, content: bytes, ...file }) => ({
        ...file,
        ...(bytes === undefined ? {} : { content: Buffer.from(bytes).toString('base64') }),
      })),
    }
    await this.#notes.keep(layer, JSON.stringify(remembered))
  }
}

function factsOf({ files, removed, opaque, applications }: Remembered): LayerFacts {
  const byPath = files.map(({ content, ...file }): [string, ImageFile] => [
    file.path,
    { ...file, xattrs: new Map(), ...(content === undefined ? {} : { content: Buffer.from(content, 'base64') }) },
  ])
  return { content: { files: new ImageFiles(new Map(byPath)), removed, opaque }, applications }
}
