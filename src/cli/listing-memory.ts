import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf, hexOf, inParallel } from '#core'
import { defaultCacheFolder } from '#debian'
import { type ImageFile, ImageFiles, type OpenedImage, type OpenedLayer } from '#oci'
import { BaseFacts, type LayerListing, readLayerListing } from '#rebase'
import { writeWhole } from './print-output.ts'
import { packageVersion } from './version.ts'

/** A file of a listing as the cache has it; bytes are in base64. */
type Remembered = Omit<ImageFile, 'content' | 'xattrs'> & {
  readonly content?: string
  readonly xattrs?: readonly (readonly [name: string, value: string])[]
}

/** What a file of the cache says. */
interface RememberedListing extends Pick<LayerListing, 'diffId'> {
  readonly files: readonly Remembered[]
  readonly removed: readonly string[]
  readonly opaque: readonly string[]
  readonly programs: readonly (readonly [string, ElfOf])[]
  readonly unreadable: readonly (readonly [string, string])[]
  readonly scripts: readonly (readonly [string, string])[]
}

type ElfOf = LayerListing['programs'] extends ReadonlyMap<string, infer Elf> ? Elf : never

/** To be raised when listings change between two releases. */
const FORMAT = 1
/** Bytes of what is remembered of one layer. */
const LARGEST = 2 ** 27
const SUM = 64

/**
 * What layers hold, each read once: here for as long as the process lives, in the cache for later ones. What is known of a layer
 * is known of its very bytes, which were held against digest and diff ID when they were read; they are not read again. What is
 * damaged in the cache counts as unknown.
 */
export class ListingMemory {
  readonly #folder: string
  readonly #maker: string
  readonly #known = new Map<string, Promise<LayerListing>>()
  readonly #facts = new Map<string, Promise<BaseFacts>>()

  constructor(folder = join(defaultCacheFolder(), 'layer-listings')) {
    this.#folder = folder
    this.#maker = hexOf(digestOf(`${FORMAT} ${packageVersion()}`)).slice(0, 16)
  }

  /** What follows from a base's layers. Rejects as `readLayerListing` does, and with `DPKG_DATABASE_INVALID`. */
  factsOf({ layers }: Pick<OpenedImage, 'layers'>): Promise<BaseFacts> {
    const key = layers.map(({ descriptor, diffId }) => `${descriptor.digest} ${diffId}`).join('\n')
    const known = this.#facts.get(key)
    if (known !== undefined) return known
    const facts = this.listingsOf(layers).then((listings) => new BaseFacts(listings))
    this.#facts.set(key, facts)
    facts.catch(() => this.#facts.delete(key))
    return facts
  }

  /** What each of some layers holds, two of them read at a time. Rejects as `readLayerListing` does. */
  async listingsOf(layers: readonly OpenedLayer[]): Promise<readonly LayerListing[]> {
    const found = new Map<OpenedLayer, LayerListing>()
    await inParallel(2, layers, async (layer) => void found.set(layer, await this.listingOf(layer)))
    return layers.flatMap((layer) => found.get(layer) ?? [])
  }

  /** What a layer holds. Rejects as `readLayerListing` does. */
  listingOf(layer: OpenedLayer): Promise<LayerListing> {
    const key = `${layer.descriptor.digest} ${layer.diffId}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const listing = this.#recallOrRead(layer)
    this.#known.set(key, listing)
    listing.catch(() => this.#known.delete(key))
    return listing
  }

  async #recallOrRead(layer: OpenedLayer): Promise<LayerListing> {
    const known = await this.#recall(layer)
    if (known !== undefined) return known
    const listing = await readLayerListing(layer)
    await this.#keep(layer, listing)
    return listing
  }

  async #recall(layer: OpenedLayer): Promise<LayerListing | undefined> {
    const text = await readFile(this.#path(layer), 'utf8').catch(() => '')
    const rest = text.slice(SUM + 1)
    if (text === '' || sumOf(rest) !== text.slice(0, SUM)) return undefined
    // The sum vouches for the form: nobody else writes it.
    const remembered: RememberedListing = JSON.parse(rest)
    return remembered.diffId === layer.diffId ? listingOf(remembered) : undefined
  }

  /** Where the cache cannot be written, nothing is kept. */
  async #keep(layer: OpenedLayer, listing: LayerListing): Promise<void> {
    const { diffId, content, programs, unreadable, scripts } = listing
    const remembered: RememberedListing = {
      ...{ diffId, removed: content.removed, opaque: content.opaque },
      ...{ programs: [...programs], unreadable: [...unreadable], scripts: [...scripts] },
      files: [...content.files.entries()].map(rememberedFile),
    }
    const text = JSON.stringify(remembered)
    if (text.length > LARGEST) return
    try {
      await mkdir(this.#folder, { recursive: true })
      await writeWhole(`${sumOf(text)}\n${text}`, this.#path(layer))
    } catch {
      // A folder that is closed to us, or a full disk: the next rebase reads the layer again.
    }
  }

  #path({ descriptor }: OpenedLayer): string {
    return join(this.#folder, `${hexOf(descriptor.digest)}-${this.#maker}`)
  }
}

function rememberedFile({ xattrs, content, ...file }: ImageFile): Remembered {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
  return {
    ...file,
    ...(content === undefined ? {} : { content: base64(content) }),
    ...(xattrs.size === 0 ? {} : { xattrs: [...xattrs].map(([name, value]) => [name, base64(value)] as const) }),
  }
}

function listingOf(remembered: RememberedListing): LayerListing {
  const { diffId, files, removed, opaque, programs, unreadable, scripts } = remembered
  const byPath = files.map(({ content, xattrs = [], ...file }): [string, ImageFile] => [
    file.path,
    {
      ...file,
      xattrs: new Map(xattrs.map(([name, value]) => [name, Buffer.from(value, 'base64')])),
      ...(content === undefined ? {} : { content: Buffer.from(content, 'base64') }),
    },
  ])
  return {
    diffId,
    content: { files: new ImageFiles(new Map(byPath)), removed, opaque },
    programs: new Map(programs),
    unreadable: new Map(unreadable),
    scripts: new Map(scripts),
  }
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
