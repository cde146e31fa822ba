import { parentPath } from '#core'
import type { ElfFile } from '#elf'
import { type ImageFile, ImageFiles, mergeLayers } from '#oci'
import type { LayerListing } from './layer-listing.ts'

/** What layers put on top of an image: their own entries, and what of the image they take away. */
export interface UpperLayers {
  /** The topmost entry of each path that they show. */
  readonly files: ImageFiles
  /** Paths that whiteouts remove, sorted. */
  readonly removed: readonly string[]
  /** Directories whose lower content they hide, sorted. */
  readonly opaque: readonly string[]
}

/** Puts layers together that lie on something else, lowest first; their places are counted from 0. */
export function upperLayers(layers: readonly LayerListing[]): UpperLayers {
  const contents = layers.map(({ content }) => content)
  const all = (lists: readonly (readonly string[])[]) => [...new Set(lists.flat())].sort()
  return {
    files: mergeLayers(contents),
    removed: all(contents.map(({ removed }) => removed)),
    opaque: all(contents.map(({ opaque }) => opaque)),
  }
}

/** What an image shows, each entry with the place of the layer that it comes from, and what programs among that say. */
export class ImageTree {
  readonly files: ImageFiles
  /** Lowest first. */
  readonly layers: readonly LayerListing[]

  private constructor(files: ImageFiles, layers: readonly LayerListing[]) {
    this.files = files
    this.layers = layers
  }

  /** Layers on top of one another, lowest first. */
  static of(layers: readonly LayerListing[]): ImageTree {
    return new ImageTree(mergeLayers(layers.map(({ content }) => content)), layers)
  }

  /** The same with layers on top: as `ImageTree.of` of them all, without going through those below again. */
  with(layers: readonly LayerListing[], upper: UpperLayers = upperLayers(layers)): ImageTree {
    const hides = hiddenBelow(upper)
    const files = new Map<string, ImageFile>()
    for (const file of this.files.entries()) if (!hides(file.path)) files.set(file.path, file)
    const below = this.layers.length
    for (const file of upper.files.entries()) files.set(file.path, { ...file, layer: file.layer + below })
    return new ImageTree(new ImageFiles(files), [...this.layers, ...layers])
  }

  /** What a program or library says; a hard link is the file that it is another name of. */
  program(file: ImageFile): ElfFile | undefined {
    const named = this.#named(file)
    return this.layers[named.layer]?.programs.get(named.path)
  }

  /** Why a file that begins as ELF cannot be read; `undefined` where it can, or is none. */
  unreadable(file: ImageFile): string | undefined {
    const named = this.#named(file)
    return this.layers[named.layer]?.unreadable.get(named.path)
  }

  /** What follows `#!` in an executable script. */
  script(file: ImageFile): string | undefined {
    const named = this.#named(file)
    return this.layers[named.layer]?.scripts.get(named.path)
  }

  /** The text of a file whose content listings keep; empty where there is none. */
  text(path: string): string {
    return Buffer.from(this.files.read(path) ?? []).toString('utf8')
  }

  #named(file: ImageFile): ImageFile {
    return file.type === 'hardlink' ? (this.files.get(file.target) ?? file) : file
  }
}

/** Tells of a path below whether layers take it away: by a whiteout of it or above it, or by what is no directory there. */
function hiddenBelow({ files, removed, opaque }: UpperLayers): (path: string) => boolean {
  const gone = new Set(removed)
  const closed = new Set([...removed, ...opaque])
  for (const { path, type } of files.entries()) if (type !== 'directory') closed.add(path)
  // Each folder is looked at once.
  const known = new Map<string, boolean>([['', closed.has('')]])
  const isClosed = (folder: string): boolean => {
    const found = known.get(folder)
    if (found !== undefined) return found
    const hidden = closed.has(folder) || isClosed(parentPath(folder))
    known.set(folder, hidden)
    return hidden
  }
  return (path) => gone.has(path) || isClosed(parentPath(path))
}
