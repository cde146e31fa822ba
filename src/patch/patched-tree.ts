import type { TarHeaderInput } from '#core'
import { parentPath } from '#core'
import type { ImageFile, ImageFiles } from '#oci'

/** What a patch puts at a path. */
export interface PutEntry extends TarHeaderInput {
  /** Absolute; links in it are followed. */
  readonly path: string
  readonly content?: Uint8Array
}

/** The entry at a path, of the image or of the patch. */
export type TreeNode = Pick<ImageFile, 'path' | 'type' | 'mode' | 'uid' | 'gid'> & { readonly target: string }

const MAX_LINKS = 40

/** An image's files with changes on top. Links resolve inside the tree only. */
export class PatchedTree {
  readonly #files: ImageFiles
  readonly #changes = new Map<string, PutEntry | undefined>()
  /** How many entries lie in a folder; made when it is first asked for. */
  #children: Map<string, number> | undefined
  readonly #folders = new Map<string, string | undefined>()

  constructor(files: ImageFiles) {
    this.#files = files
  }

  /** By path, in its order; `undefined` is what the image has and the patched one has not. */
  get changes(): readonly (readonly [string, PutEntry | undefined])[] {
    return [...this.#changes].sort(([left], [right]) => (left < right ? -1 : 1))
  }

  /** The entry at exactly this path. */
  get(path: string): TreeNode | undefined {
    if (!this.#changes.has(path)) return this.#files.get(path)
    const put = this.#changes.get(path)
    return put && { ...put, target: put.linkPath ?? '' }
  }

  /** Every path, in no particular order. */
  paths(): readonly string[] {
    const paths = new Set([...this.#files.entries()].map(({ path }) => path))
    for (const [path, put] of this.#changes) put === undefined ? paths.delete(path) : paths.add(path)
    return [...paths]
  }

  /** The bytes of the file that a path leads to, as far as they are held. */
  read(path: string): Uint8Array | undefined {
    return this.#changes.has(path) ? this.#changes.get(path)?.content : this.#files.read(path)
  }

  /** A path whose folders are links is the path in the folders that they lead to; the last name is not followed. */
  canonical(path: string): string {
    const slash = path.lastIndexOf('/')
    const folder = this.#folder(path.slice(0, slash))
    return folder === undefined ? path : `${folder}${path.slice(slash)}`
  }

  /** Whether a path leads to a folder, links followed. */
  leadsToFolder(path: string): boolean {
    const folder = this.#folder(path)
    return folder === '' || (folder !== undefined && this.get(folder)?.type === 'directory')
  }

  put(entry: PutEntry): void {
    if (this.get(entry.path) === undefined) this.#count(entry.path, 1)
    this.#changes.set(entry.path, entry)
    this.#folders.clear()
  }

  remove(path: string): void {
    if (this.get(path) === undefined) return
    this.#count(path, -1)
    if (this.#files.get(path) === undefined) this.#changes.delete(path)
    else this.#changes.set(path, undefined)
    this.#folders.clear()
  }

  /** Whether nothing lies in a folder. */
  isEmpty(folder: string): boolean {
    this.#children ??= this.#counted()
    return (this.#children.get(folder) ?? 0) === 0
  }

  #counted(): Map<string, number> {
    const children = new Map<string, number>()
    for (const path of this.paths()) children.set(parentPath(path), (children.get(parentPath(path)) ?? 0) + 1)
    return children
  }

  #count(path: string, by: number): void {
    this.#children?.set(parentPath(path), (this.#children.get(parentPath(path)) ?? 0) + by)
  }

  /** Where a folder's path leads; `undefined` where it leads nowhere or round. */
  #folder(path: string): string | undefined {
    if (this.#folders.has(path)) return this.#folders.get(path)
    const found = this.#follow(path)
    this.#folders.set(path, found)
    return found
  }

  #follow(path: string): string | undefined {
    let left = path.split('/').filter((part) => part !== '' && part !== '.')
    let at = ''
    for (let links = 0; left.length > 0; ) {
      const [part = '', ...rest] = left
      left = rest
      if (part === '..') {
        at = parentPath(at)
        continue
      }
      const node = this.get(`${at}/${part}`)
      if (node?.type !== 'symlink') {
        at = `${at}/${part}`
        continue
      }
      if (++links > MAX_LINKS) return undefined
      left = [...node.target.split('/').filter((name) => name !== '' && name !== '.'), ...left]
      if (node.target.startsWith('/')) at = ''
    }
    return at
  }
}
