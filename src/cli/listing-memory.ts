import { inParallel } from '#core'
import type { ElfFile } from '#elf'
import type { OpenedImage, OpenedLayer } from '#oci'
import { BaseFacts, type LayerListing, readLayerListing } from '#rebase'
import { type ContentNote, contentOfNote, noteOfContent } from './content-note.ts'
import { LayerNotes } from './layer-notes.ts'

/** What a note says of a layer. */
interface Remembered extends ContentNote {
  readonly programs: readonly (readonly [path: string, ElfFile])[]
  readonly unreadable: readonly (readonly [path: string, string])[]
  readonly scripts: readonly (readonly [path: string, string])[]
}

/** To be raised when listings change between two releases. */
const FORMAT = '1'

/**
 * What layers hold, each read once: here for as long as the process lives, in the cache for later ones. What is known of a layer is
 * known of the very bytes that its digest names, which were verified when they were read; they are not read again.
 */
export class ListingMemory {
  readonly #notes = new LayerNotes('layer-listings', FORMAT)
  readonly #listings = new Map<string, Promise<LayerListing>>()
  readonly #facts = new Map<string, Promise<BaseFacts>>()

  /** What follows from a base's layers. Rejects as `readLayerListing` does, and with `DPKG_DATABASE_INVALID`. */
  factsOf({ layers }: Pick<OpenedImage, 'layers'>): Promise<BaseFacts> {
    const key = layers.map(keyOf).join('\n')
    return remembered(this.#facts, key, async () => new BaseFacts(await this.listingsOf(layers)))
  }

  /** What each of some layers holds, two of them read at a time. Rejects as `readLayerListing` does. */
  async listingsOf(layers: readonly OpenedLayer[]): Promise<readonly LayerListing[]> {
    const found = new Map<OpenedLayer, LayerListing>()
    await inParallel(2, layers, async (layer) => {
      found.set(layer, await remembered(this.#listings, keyOf(layer), () => this.#recallOrRead(layer)))
    })
    return layers.flatMap((layer) => found.get(layer) ?? [])
  }

  async #recallOrRead(layer: OpenedLayer): Promise<LayerListing> {
    const text = await this.#notes.noted(layer)
    // The notes' sum vouches for the form: nobody else writes it.
    if (text !== undefined) return listingOf(layer, JSON.parse(text))
    const listing = await readLayerListing(layer)
    await this.#notes.keep(layer, JSON.stringify(noteOf(listing)))
    return listing
  }
}

/** Makes a value once; a failure is not remembered. */
function remembered<Value>(
  known: Map<string, Promise<Value>>,
  key: string,
  make: () => Promise<Value>,
): Promise<Value> {
  const found = known.get(key)
  if (found !== undefined) return found
  const made = make()
  known.set(key, made)
  made.catch(() => known.delete(key))
  return made
}

function keyOf({ descriptor, diffId }: OpenedLayer): string {
  return `${descriptor.digest} ${diffId}`
}

function noteOf({ content, programs, unreadable, scripts }: LayerListing): Remembered {
  return {
    ...noteOfContent(content),
    ...{ programs: [...programs], unreadable: [...unreadable], scripts: [...scripts] },
  }
}

function listingOf({ diffId }: OpenedLayer, note: Remembered): LayerListing {
  return {
    diffId,
    content: contentOfNote(note),
    programs: new Map(note.programs),
    unreadable: new Map(note.unreadable),
    scripts: new Map(note.scripts),
  }
}
