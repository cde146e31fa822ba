import type { ElfFile } from '#elf'
import { type ImageFile, ImageFiles, mergeLayers } from '#oci'
import type { LayerListing } from './layer-listing.ts'

/**
 * Layers on top of one another, lowest first: what the image shows, each entry with the place of the layer that it comes from,
 * and what programs among that say.
 */
export class ImageTree {
  readonly files: ImageFiles
  readonly #layers: readonly LayerListing[]

  constructor(layers: readonly LayerListing[]) {
    this.#layers = layers
    this.files = mergeLayers(layers.map(({ content }) => content))
  }

  /** What a program or library says; a hard link is the file that it is another name of. */
  program(file: ImageFile): ElfFile | undefined {
    const named = this.#named(file)
    return this.#layers[named.layer]?.programs.get(named.path)
  }

  /** Why a file that begins as ELF cannot be read; `undefined` where it can, or is none. */
  unreadable(file: ImageFile): string | undefined {
    const named = this.#named(file)
    return this.#layers[named.layer]?.unreadable.get(named.path)
  }

  /** What follows `#!` in an executable script. */
  script(file: ImageFile): string | undefined {
    const named = this.#named(file)
    return this.#layers[named.layer]?.scripts.get(named.path)
  }

  /** The text of a file whose content listings keep; empty where there is none. */
  text(path: string): string {
    return Buffer.from(this.files.read(path) ?? []).toString('utf8')
  }

  #named(file: ImageFile): ImageFile {
    return file.type === 'hardlink' ? (this.files.get(file.target) ?? file) : file
  }
}

/** What layers put on top of an image: their own entries, and what of the image they take away. */
export interface UpperLayers {
  /** The topmost entry of each path that they show. */
  readonly files: ImageFiles
  /** Paths that whiteouts remove, sorted. */
  readonly removed: readonly string[]
  /** Directories whose lower content they hide, sorted. */
  readonly opaque: readonly string[]
}

/** Puts layers together that lie on something else, lowest first. */
export function upperLayers(layers: readonly LayerListing[]): UpperLayers {
  const contents = layers.map(({ content }) => content)
  const all = (lists: readonly (readonly string[])[]) => [...new Set(lists.flat())].sort()
  return {
    files: layers.length === 0 ? new ImageFiles(new Map()) : mergeLayers(contents),
    removed: all(contents.map(({ removed }) => removed)),
    opaque: all(contents.map(({ opaque }) => opaque)),
  }
}
