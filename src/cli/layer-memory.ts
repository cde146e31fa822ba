import type { Layer, LayerContent, OpenedLayer } from '#oci'
import type { ApplicationReadings } from '#sbom'
import { type ContentNote, contentOfNote, noteOfContent } from './content-note.ts'
import { LayerNotes, noteMaker } from './layer-notes.ts'

/** What one layer holds, as far as an inventory asks. */
export interface LayerFacts {
  readonly content: LayerContent
  readonly applications: ApplicationReadings
}

/** What a file of the memory says. */
interface Remembered extends ContentNote {
  readonly applications: ApplicationReadings
}

/** To be raised when what is looked for in layers changes between two releases. */
const FORMAT = '5'

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
    // Attributes are not asked for, and a scan that has them would be another one.
    if ([...content.files.entries()].some(({ xattrs }) => xattrs.size > 0)) return
    const { files, ...gone } = noteOfContent(content)
    const remembered: Remembered = { ...gone, applications, files }
    await this.#notes.keep(layer, JSON.stringify(remembered))
  }
}

function factsOf({ applications, ...note }: Remembered): LayerFacts {
  return { content: contentOfNote(note), applications }
}
