import { createHash } from 'node:crypto'
import { type ContentSink, type Digest, digestFromHex, normalizeArchivePath, type TarHeader } from '#core'
import { OciError } from './errors.ts'
import type { ImageFile, ReadFilesOptions } from './image-files.ts'

const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'
const MAX_CONTENT = 2 ** 30

/** An entry of a layer that is known without reading its tar, which has no extended attributes. */
export type KnownEntry = Pick<TarHeader, 'path' | 'type' | 'mode' | 'uid' | 'gid' | 'size' | 'mtime' | 'linkPath'>

/** What lies above a layer. */
export interface UpperLayers {
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

/** Gathers the files of layers, entry by entry, the topmost layer first (image-spec, layer.md). */
export class FileCollector {
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
    if (this.#takeWhiteout(path)) return undefined
    const isFile = header.type === 'file'
    if (isHidden(path, this)) return isFile && this.#options.hashes ? this.#hash(path) : undefined
    const file = this.#enter(path, header, layer)
    return isFile ? this.#sink(file) : undefined
  }

  /** Takes an entry of the only layer, with its content where that is there. */
  addKnown(entry: KnownEntry, contents: ReadonlyMap<string, Uint8Array>): void {
    const path = normalizeArchivePath(entry.path)
    if (this.#takeWhiteout(path)) return
    const file = this.#enter(path, { ...entry, xattrs: new Map() }, 0)
    const content = contents.get(path)
    if (content !== undefined) this.#own.set(path, { ...file, content })
  }

  #takeWhiteout(path: string): boolean {
    const folder = path.slice(0, path.lastIndexOf('/'))
    const name = path.slice(path.lastIndexOf('/') + 1)
    if (!name.startsWith(WHITEOUT)) return false
    if (name === OPAQUE) this.#opening.push(folder)
    else this.#removing.push(`${folder}/${name.slice(WHITEOUT.length)}`)
    return true
  }

  #enter(path: string, header: KnownEntry & Pick<TarHeader, 'xattrs'>, layer: number): ImageFile {
    const { type, mode, uid, gid, size, mtime, linkPath, xattrs } = header
    const target = type === 'hardlink' ? normalizeArchivePath(linkPath) : linkPath
    const linked = type === 'hardlink' ? this.#digests.get(target) : undefined
    if (linked !== undefined) this.#digests.set(path, linked)
    const digest = linked === undefined ? {} : { digest: linked }
    const file: ImageFile = { path, type, mode, uid, gid, size, mtime, target, layer, xattrs, ...digest }
    this.#own.set(path, file)
    return file
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
