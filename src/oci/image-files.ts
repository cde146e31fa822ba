import { createHash } from 'node:crypto'
import {
  type ContentSink,
  type Digest,
  digestFromHex,
  normalizeArchivePath,
  TAR_LIMITS,
  type TarHeader,
  TarReader,
  type TarType,
} from '#core'
import { OciError } from './errors.ts'
import type { OpenedLayer } from './opened-image.ts'

/** A path of an image, as the topmost layer that has it says. */
export interface ImageFile {
  /** Absolute, as the layer writes it: links in it are not followed. */
  readonly path: string
  readonly type: TarType
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  /** Seconds since the epoch. */
  readonly mtime: number
  /** Of a link as written, of a hard link as an absolute path; empty otherwise. */
  readonly target: string
  /** The place of its layer, lowest first, counted from 0. */
  readonly layer: number
  /** Extended attributes by name; file capabilities are among them. */
  readonly xattrs: ReadonlyMap<string, Uint8Array>
  /** The bytes of a file that was wanted. */
  readonly content?: Uint8Array
  /** Of the bytes of a file, or of the file that a hard link is another name of, where `hashes` asks for it. */
  readonly digest?: Digest
}

/** What an image is read for. */
export interface ReadFilesOptions {
  /** Whether the content of a file is wanted. Asked for visible files only. */
  wants(file: Omit<ImageFile, 'content'>): boolean
  /** What takes the content of a visible file as it is read, held or not; `undefined` where nothing does. */
  take?(file: Omit<ImageFile, 'content'>): ContentSink | undefined
  /** Bytes of content to hold at most. Default: 1 GiB. */
  readonly maxContent?: number
  /** Whether every visible file gets its digest, content held or not. Default: no. */
  readonly hashes?: boolean
}

const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'
const MAX_CONTENT = 2 ** 30
const MAX_LINKS = 40

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

async function collect(layers: readonly Pick<OpenedLayer, 'openTar'>[], options: ReadFilesOptions): Promise<Collector> {
  const collector = new Collector(options)
  for (let number = layers.length - 1; number >= 0; number--) {
    const reader = new TarReader({
      origin: `layer ${number + 1}`,
      limits: TAR_LIMITS,
      onEntry: (header) => collector.add(header, number),
    })
    for await (const chunk of layers[number]?.openTar() ?? []) reader.push(chunk)
    reader.end()
    collector.endLayer()
  }
  return collector
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
  const collector = await collect([layer], options)
  return {
    files: new ImageFiles(collector.files),
    removed: [...collector.removed].sort(),
    opaque: [...collector.opaque].sort(),
  }
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
      return !upper.files.has(path) && !upper.removed.has(path) && !isBelow(folderOf(path))
    })
    for (const file of shown) upper.files.set(file.path, file.layer === layer ? file : { ...file, layer })
    for (const path of removed) upper.removed.add(path)
    for (const path of opaque) upper.opaque.add(path)
  }
  return new ImageFiles(upper.files)
}

/** What lies above a layer. */
interface UpperLayers {
  readonly files: ReadonlyMap<string, ImageFile>
  readonly removed: ReadonlySet<string>
  readonly opaque: ReadonlySet<string>
}

/** Whether an upper layer has the path, or something that takes away what is below it. */
function isHidden(path: string, { files, removed, opaque }: UpperLayers): boolean {
  if (files.has(path) || removed.has(path)) return true
  for (let above = path; above !== ''; ) {
    above = above.slice(0, above.lastIndexOf('/'))
    if (removed.has(above) || opaque.has(above)) return true
    const file = files.get(above)
    if (file !== undefined && file.type !== 'directory') return true
  }
  return false
}

/** Tells whether what a folder holds is hidden; each folder is looked at once, so long as nothing comes on top. */
function hiddenFolders({ files, removed, opaque }: UpperLayers): (folder: string) => boolean {
  const known = new Map<string, boolean>()
  const isHiddenFolder = (folder: string): boolean => {
    const found = known.get(folder)
    if (found !== undefined) return found
    const file = files.get(folder)
    const isCut = removed.has(folder) || opaque.has(folder) || (file !== undefined && file.type !== 'directory')
    const hidden = isCut || (folder !== '' && isHiddenFolder(folderOf(folder)))
    known.set(folder, hidden)
    return hidden
  }
  return isHiddenFolder
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** The visible files of an image by path. */
export class ImageFiles {
  readonly #files: ReadonlyMap<string, ImageFile>

  constructor(files: ReadonlyMap<string, ImageFile>) {
    this.#files = files
  }

  /** All files, in no particular order. */
  entries(): Iterable<ImageFile> {
    return this.#files.values()
  }

  /** The file at exactly this path; a link is given as itself. */
  get(path: string): ImageFile | undefined {
    return this.#files.get(path)
  }

  /** Where a path leads, links followed inside the image as its own root; `undefined` where it leads nowhere or round. */
  resolve(path: string): ImageFile | undefined {
    let left = path.split('/').filter((part) => part !== '' && part !== '.')
    let at = ''
    for (let links = 0; left.length > 0; ) {
      const [part = '', ...rest] = left
      left = rest
      if (part === '..') {
        at = at.slice(0, Math.max(0, at.lastIndexOf('/')))
        continue
      }
      const next = `${at}/${part}`
      const file = this.#files.get(next)
      if (file?.type !== 'symlink') {
        at = next
        continue
      }
      if (++links > MAX_LINKS) return undefined
      left = [...file.target.split('/').filter((name) => name !== '' && name !== '.'), ...left]
      if (file.target.startsWith('/')) at = ''
    }
    return this.#files.get(at === '' ? '/' : at)
  }

  /** The bytes of the file that a path leads to, hard links followed; `undefined` when there is none or they were not wanted. */
  read(path: string): Uint8Array | undefined {
    const file = this.resolve(path)
    return file?.type === 'hardlink' ? this.#files.get(file.target)?.content : file?.content
  }
}

class Collector {
  readonly files = new Map<string, ImageFile>()
  /** Paths that upper layers have removed, and folders whose lower content they hide. */
  readonly removed = new Set<string>()
  readonly opaque = new Set<string>()
  readonly #options: ReadFilesOptions
  /** The same of the layer that is being read: they hold for lower layers only. */
  #removing: string[] = []
  #opening: string[] = []
  #own = new Map<string, ImageFile>()
  /** Of all files of the layer that is being read: a visible hard link may be of one that an upper layer hides. */
  #digests = new Map<string, Digest>()
  #room: number

  constructor(options: ReadFilesOptions) {
    this.#options = options
    this.#room = options.maxContent ?? MAX_CONTENT
  }

  add(header: TarHeader, layer: number): ContentSink | undefined {
    const path = normalizeArchivePath(header.path)
    const folder = path.slice(0, path.lastIndexOf('/'))
    const name = path.slice(path.lastIndexOf('/') + 1)
    if (name === OPAQUE) this.#opening.push(folder)
    else if (name.startsWith(WHITEOUT)) this.#removing.push(`${folder}/${name.slice(WHITEOUT.length)}`)
    if (name.startsWith(WHITEOUT)) return undefined
    const { type, mode, uid, gid, size, mtime, linkPath, xattrs } = header
    if (isHidden(path, this)) return type === 'file' && this.#options.hashes ? this.#hash(path) : undefined
    const target = type === 'hardlink' ? normalizeArchivePath(linkPath) : linkPath
    const linked = type === 'hardlink' ? this.#digests.get(target) : undefined
    if (linked !== undefined) this.#digests.set(path, linked)
    const digest = linked === undefined ? {} : { digest: linked }
    const file: ImageFile = { path, type, mode, uid, gid, size, mtime, target, layer, xattrs, ...digest }
    this.#own.set(path, file)
    return type === 'file' ? this.#sink(file) : undefined
  }

  /** What a layer has and hides holds for the layers below it from now on. */
  endLayer(): void {
    for (const [path, file] of this.#own) this.files.set(path, file)
    for (const path of this.#removing) this.removed.add(path)
    for (const path of this.#opening) this.opaque.add(path)
    this.#own = new Map()
    this.#digests = new Map()
    this.#removing = []
    this.#opening = []
  }

  /** Takes what is asked for of a visible file's content. */
  #sink(file: ImageFile): ContentSink | undefined {
    const content = this.#options.wants(file) ? this.#hold(file) : undefined
    const hash = this.#options.hashes ? this.#hash(file.path) : undefined
    const taker = this.#options.take?.(file)
    if (content === undefined && hash === undefined) return taker
    let filled = 0
    return {
      write: (chunk) => {
        content?.set(chunk, filled)
        filled += chunk.length
        hash?.write(chunk)
        taker?.write(chunk)
      },
      end: () => {
        hash?.end()
        taker?.end()
        const digest = this.#digests.get(file.path)
        this.#own.set(file.path, {
          ...file,
          ...(content === undefined ? {} : { content }),
          ...(digest === undefined ? {} : { digest }),
        })
      },
    }
  }

  #hold(file: ImageFile): Buffer {
    this.#room -= file.size
    if (this.#room < 0)
      throw new OciError('IMAGE_LIMIT', `cannot read ${file.path}: the image's files are too large to hold`)
    return Buffer.allocUnsafeSlow(file.size)
  }

  #hash(path: string): ContentSink {
    const hash = createHash('sha256')
    return {
      write: (chunk) => void hash.update(chunk),
      end: () => void this.#digests.set(path, digestFromHex(hash.digest('hex'))),
    }
  }
}
