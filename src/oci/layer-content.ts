import { parentPath, TAR_LIMITS, type TarHeader, TarReader } from '#core'
import { FileCollector, type KnownEntry, type UpperLayers } from './file-collector.ts'
import { type ImageFile, ImageFiles, type ReadFilesOptions } from './image-files.ts'
import type { OpenedLayer } from './opened-image.ts'

/**
 * Reads the files of an image from its layers, lowest first in `layers`, whiteouts applied (image-spec, layer.md). Every
 * layer is read once, the topmost first, so that content is held only of what is visible. Rejects with what `TarReader`
 * throws, `PATH_INVALID`, `BLOB_MISMATCH`, and `IMAGE_LIMIT` when more content is wanted than may be held.
 */
export async function readImageFiles(
  layers: readonly Pick<OpenedLayer, 'openTar'>[],
  options: ReadFilesOptions,
): Promise<ImageFiles> {
  return new ImageFiles((await collect(layers, options)).files)
}

async function collect(
  layers: readonly Pick<OpenedLayer, 'openTar'>[],
  options: ReadFilesOptions,
): Promise<FileCollector> {
  const collector = new FileCollector(options)
  for (let number = layers.length - 1; number >= 0; number--) {
    const reader = readerInto(collector, number)
    for await (const chunk of layers[number]?.openTar() ?? []) reader.push(chunk)
    reader.end()
    collector.endLayer()
  }
  return collector
}

function readerInto(collector: FileCollector, number: number): TarReader {
  const onEntry = (header: TarHeader) => collector.add(header, number)
  return new TarReader({ origin: `layer ${number + 1}`, limits: TAR_LIMITS, onEntry })
}

/** The entries of one layer by itself, and what it takes away from the layers below it. */
export interface LayerContent {
  readonly files: ImageFiles
  /** Paths that whiteouts remove, sorted. */
  readonly removed: readonly string[]
  /** Folders whose lower content opaque whiteouts hide, sorted. */
  readonly opaque: readonly string[]
}

/** Reads one layer without the others; `layer` of its files is 0. Rejects as `readImageFiles` does. */
export async function readLayerContent(
  layer: Pick<OpenedLayer, 'openTar'>,
  options: ReadFilesOptions,
): Promise<LayerContent> {
  return contentOf(await collect([layer], options))
}

function contentOf({ files, removed, opaque }: FileCollector): LayerContent {
  return { files: new ImageFiles(files), removed: [...removed].sort(), opaque: [...opaque].sort() }
}

/** Whole entries of a layer, one behind the other: as tar with its end mark, or known from elsewhere, contents by path. */
export type LayerPiece =
  | { readonly tar: Uint8Array }
  | { readonly entries: Iterable<KnownEntry>; readonly contents: ReadonlyMap<string, Uint8Array> }

/**
 * Gives what `readLayerContent` would give of the layer that these pieces make. Of known entries, `options` is not asked: those
 * in `contents` have their content. Throws as `readImageFiles` rejects.
 */
export function composeLayerContent(pieces: Iterable<LayerPiece>, options: ReadFilesOptions): LayerContent {
  const collector = new FileCollector(options)
  for (const piece of pieces) {
    if ('tar' in piece) {
      const reader = readerInto(collector, 0)
      reader.push(piece.tar)
      reader.end()
    } else {
      for (const entry of piece.entries) collector.addKnown(entry, piece.contents)
    }
  }
  collector.endLayer()
  return contentOf(collector)
}

/**
 * Puts layers that were read each by itself, lowest first, on top of one another: the same files that `readImageFiles` gives of
 * them all.
 */
export function mergeLayers(layers: readonly LayerContent[]): ImageFiles {
  const upper = { files: new Map<string, ImageFile>(), removed: new Set<string>(), opaque: new Set<string>() }
  for (const [layer, { files, removed, opaque }] of [...layers.entries()].reverse()) {
    const isBelow = hiddenFolders(upper)
    const shown = [...files.entries()].filter(({ path }) => {
      return !upper.files.has(path) && !upper.removed.has(path) && !isBelow(parentPath(path))
    })
    for (const file of shown) upper.files.set(file.path, file.layer === layer ? file : { ...file, layer })
    for (const path of removed) upper.removed.add(path)
    for (const path of opaque) upper.opaque.add(path)
  }
  return new ImageFiles(upper.files)
}

/** Tells whether what a folder holds is hidden; each folder is looked at once, so long as nothing comes on top. */
function hiddenFolders({ files, removed, opaque }: UpperLayers): (folder: string) => boolean {
  const known = new Map<string, boolean>()
  const isHiddenFolder = (folder: string): boolean => {
    const found = known.get(folder)
    if (found !== undefined) return found
    const file = files.get(folder)
    const isCut = removed.has(folder) || opaque.has(folder) || (file !== undefined && file.type !== 'directory')
    const hidden = isCut || (folder !== '' && isHiddenFolder(parentPath(folder)))
    known.set(folder, hidden)
    return hidden
  }
  return isHiddenFolder
}
