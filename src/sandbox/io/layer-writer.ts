import fs from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type ContentSink, normalizeArchivePath, type TarHeader } from '#core'
import { resolveInside } from '../container-path.ts'
import { SandboxError } from '../errors.ts'

const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = fs.constants

/** Set while the tree is made, so that we may write into it; the layer's own modes and times come last. */
const WHILE_UNPACKING = 0o700

/** Who owns what by its link-free path, as the layers say. */
export type Owners = ReadonlyMap<string, { readonly uid: number; readonly gid: number }>

/** What a directory is given once its image's layers are all in. */
export type DirectoryMetadata = Pick<TarHeader, 'mode' | 'mtime'>

/**
 * Puts the entries of layers, lowest first, into a directory that nobody else writes to (image-spec, layer.md).
 * No link is ever followed out of it: parents are resolved with the directory as root before anything is made, a name
 * is made anew (`O_EXCL`, `O_NOFOLLOW`), and a hard link's target must be a file inside.
 * Owners and groups are kept when we are root; otherwise all is ours, and they are noted. Devices and fifos are left out, and named;
 * extended attributes, file capabilities among them, are left out.
 */
export class LayerWriter {
  readonly #root: string
  readonly #origin: string
  readonly #chowns: boolean
  readonly #owners: Map<string, { uid: number; gid: number }>
  /** Paths that this layer has made; a whiteout hides only what lower layers have. */
  readonly #made = new Set<string>()
  readonly #directories: Map<string, DirectoryMetadata>
  /** Parents that were resolved; forgotten when a link comes or a path goes. */
  readonly #parents = new Map<string, string>()
  /** The file whose content is being taken. */
  #fd: number | undefined
  /** Devices and fifos that were left out. */
  readonly skipped: string[] = []

  /**
   * `directories` and `owners` are shared by the writers of one image's layers: modes are set when all are in. What is no
   * longer there may still be among the owners.
   */
  constructor(options: {
    root: string
    origin: string
    directories: Map<string, DirectoryMetadata>
    owners: Map<string, { uid: number; gid: number }>
  }) {
    this.#chowns = process.getuid?.() === 0
    this.#owners = options.owners
    this.#root = options.root
    this.#origin = options.origin
    this.#directories = options.directories
  }

  /** Takes a tar entry; gives the sink for a file's content. Throws `ROOTFS_INVALID`, or `PATH_INVALID`. */
  add(header: TarHeader): ContentSink | undefined {
    const path = normalizeArchivePath(header.path)
    const name = basename(path)
    const parent = this.#resolveParent(path === '/' ? '/' : dirname(path))
    if (name === OPAQUE) return this.#prune(parent)
    if (name.startsWith(WHITEOUT)) return this.#whiteOut(parent, name.slice(WHITEOUT.length))
    const place = join(parent, name)
    this.#noteMade(place)
    if (header.type === 'directory') return this.#directory(place, header)
    if (place === '/') throw this.#invalid(header.path, `the root is a ${header.type}`)
    this.#remove(place)
    if (!this.#chowns) this.#noteOwner(place, header)
    return this.#entry(place, header)
  }

  /** Closes the file that an error left half written. */
  close(): void {
    if (this.#fd !== undefined) fs.closeSync(this.#fd)
    this.#fd = undefined
  }

  #noteOwner(place: string, { uid, gid, type, linkPath }: TarHeader): void {
    const owner = type === 'hardlink' ? this.#owners.get(normalizeArchivePath(linkPath)) : { uid, gid }
    if (owner) this.#owners.set(place, owner)
  }

  #noteMade(place: string): void {
    for (let path = place; !this.#made.has(path); path = dirname(path)) this.#made.add(path)
  }

  #entry(place: string, header: TarHeader): ContentSink | undefined {
    switch (header.type) {
      case 'file':
        return this.#file(place, header)
      case 'symlink':
        if (header.linkPath === '') throw this.#invalid(header.path, 'the link has no target')
        fs.symlinkSync(header.linkPath, this.#host(place))
        if (this.#chowns) fs.lchownSync(this.#host(place), header.uid, header.gid)
        this.#parents.clear()
        return undefined
      case 'hardlink':
        this.#hardlink(place, header)
        return undefined
      default:
        this.skipped.push(place)
        return undefined
    }
  }

  #file(place: string, header: TarHeader): ContentSink {
    const fd = fs.openSync(this.#host(place), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    this.#fd = fd
    const end = () => {
      if (this.#chowns) fs.fchownSync(fd, header.uid, header.gid)
      fs.fchmodSync(fd, header.mode)
      fs.futimesSync(fd, header.mtime, header.mtime)
      this.close()
    }
    return { write: (chunk) => writeAll(fd, chunk), end }
  }

  #hardlink(place: string, header: TarHeader): void {
    const path = normalizeArchivePath(header.linkPath)
    const target = join(this.#resolveParent(dirname(path)), basename(path))
    const found = fs.lstatSync(this.#host(target), { throwIfNoEntry: false })
    if (!found?.isFile())
      throw this.#invalid(header.path, `it is a hard link to "${path}", which is no file in the image`)
    fs.linkSync(this.#host(target), this.#host(place))
  }

  #directory(place: string, { mode, mtime, uid, gid }: DirectoryMetadata & Pick<TarHeader, 'uid' | 'gid'>): undefined {
    const found = fs.lstatSync(this.#host(place), { throwIfNoEntry: false })
    if (found && !found.isDirectory()) this.#remove(place)
    if (!found?.isDirectory()) fs.mkdirSync(this.#host(place), WHILE_UNPACKING)
    if (this.#chowns) fs.chownSync(this.#host(place), uid, gid)
    else this.#owners.set(place, { uid, gid })
    this.#directories.set(place, { mode, mtime })
  }

  /** The link-free path of a parent; what is missing of it is made. */
  #resolveParent(path: string): string {
    const known = this.#parents.get(path)
    if (known !== undefined) return known
    const parent = resolveInside(path, (at) => readLinkAt(this.#host(at)), 'follow')
    if (parent === undefined) throw this.#invalid(path, 'its links go in a circle')
    for (let at = 1; at > 0; ) {
      at = parent.indexOf('/', at + 1)
      const prefix = at < 0 ? parent : parent.slice(0, at)
      const found = fs.lstatSync(this.#host(prefix), { throwIfNoEntry: false })
      if (found && !found.isDirectory()) throw this.#invalid(path, `"${prefix}" is no directory`)
      if (!found) this.#directory(prefix, { mode: 0o755, mtime: 0, uid: 0, gid: 0 })
    }
    this.#parents.set(path, parent)
    return parent
  }

  #whiteOut(parent: string, name: string): undefined {
    if (name === '' || name === '.' || name === '..') throw this.#invalid(parent, `".wh.${name}" names nothing`)
    const place = join(parent, name)
    if (!this.#made.has(place)) return void this.#remove(place)
    const found = fs.lstatSync(this.#host(place), { throwIfNoEntry: false })
    if (found?.isDirectory()) this.#prune(place)
  }

  /** Takes away what lower layers have below a directory. */
  #prune(directory: string): undefined {
    for (const name of fs.readdirSync(this.#host(directory))) this.#whiteOut(directory, name)
  }

  #remove(place: string): void {
    const found = fs.lstatSync(this.#host(place), { throwIfNoEntry: false })
    if (!found) return
    this.#parents.clear()
    fs.rmSync(this.#host(place), { recursive: true })
    for (const path of this.#directories.keys()) {
      if (path === place || path.startsWith(`${place}/`)) this.#directories.delete(path)
    }
  }

  #host(path: string): string {
    return join(this.#root, path)
  }

  #invalid(path: string, reason: string): SandboxError {
    return new SandboxError('ROOTFS_INVALID', `cannot unpack "${path}" of ${this.#origin}: ${reason}`)
  }
}

/** Gives the directories of a finished tree the modes and times that their layers say. */
export function finishDirectories(root: string, directories: ReadonlyMap<string, DirectoryMetadata>): void {
  for (const [path, { mode, mtime }] of [...directories].toSorted(([a], [b]) => (a < b ? 1 : -1))) {
    fs.utimesSync(join(root, path), mtime, mtime)
    fs.chmodSync(join(root, path), mode)
  }
}

/** The text of the link at a path of the host, `undefined` where there is no link. */
export function readLinkAt(path: string): string | undefined {
  const found = fs.lstatSync(path, { throwIfNoEntry: false })
  return found?.isSymbolicLink() ? fs.readlinkSync(path) : undefined
}

function writeAll(fd: number, chunk: Uint8Array): void {
  for (let at = 0; at < chunk.length; ) at += fs.writeSync(fd, chunk, at)
}
