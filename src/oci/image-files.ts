import type { ContentSink, Digest, TarType } from '#core'

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

const MAX_LINKS = 40

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
