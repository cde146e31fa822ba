import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs'
import { dirname, join, posix } from 'node:path'

/** A path as it lies on disk after another program has unpacked it. */
export interface DiskEntry {
  readonly type: 'file' | 'directory' | 'symlink' | 'other'
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Seconds since the epoch. */
  readonly mtime: number
  /** SHA-256 of a file's content in hex, or the text of a link. */
  readonly content: string
  /** Equal for the names of one file. */
  readonly inode: number
}

/** The paths below a root, absolute as seen from there, without the root itself. */
export type DiskTree = ReadonlyMap<string, DiskEntry>

/** Reads everything below a folder; links are not followed. */
export function readDiskTree(root: string): DiskTree {
  const tree = new Map<string, DiskEntry>()
  const walk = (folder: string) => {
    for (const name of readdirSync(join(root, folder)).sort()) {
      const path = posix.join(folder, name)
      const entry = readEntry(join(root, path))
      tree.set(path, entry)
      if (entry.type === 'directory') walk(path)
    }
  }
  walk('/')
  return tree
}

function readEntry(path: string): DiskEntry {
  const found = lstatSync(path)
  const type = typeOf(found)
  const content =
    type === 'file'
      ? createHash('sha256').update(readFileSync(path)).digest('hex')
      : type === 'symlink'
        ? readlinkSync(path)
        : ''
  const { uid, gid, ino } = found
  return { type, mode: found.mode & 0o7777, uid, gid, mtime: Math.floor(found.mtimeMs / 1000), content, inode: ino }
}

function typeOf(found: Stats): DiskEntry['type'] {
  if (found.isFile()) return 'file'
  if (found.isDirectory()) return 'directory'
  return found.isSymbolicLink() ? 'symlink' : 'other'
}

/** Where a path lies once the links above it are followed inside the tree; what is not there is taken as it is. */
export function placeIn(tree: DiskTree, path: string, depth = 0): string {
  const parent = dirname(path)
  if (parent === '/') return path
  const above = placeIn(tree, parent, depth)
  const entry = tree.get(above)
  if (entry?.type !== 'symlink') return posix.join(above, posix.basename(path))
  if (depth > 40) throw new Error(`cannot place ${path}: its links go in a circle`)
  const target = placeIn(tree, posix.resolve(dirname(above), entry.content), depth + 1)
  return posix.join(target, posix.basename(path))
}
