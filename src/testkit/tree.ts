import { digestOf } from '#core'
import { MemoryTree, type Origin, type Tree, type TreeEntry } from '#image'

/** A path for a test tree: text is a file's content; the rest as in an entry of a tree. */
export type TestPath =
  | string
  | { readonly content: string | Uint8Array; readonly mode?: number; readonly uid?: number; readonly gid?: number }
  | { readonly directory: true; readonly mode?: number; readonly uid?: number; readonly gid?: number }
  | { readonly link: string }

/** A tree in memory with the bytes of its files. */
export interface TestTree {
  readonly tree: Tree
  read(path: string): Uint8Array
}

/** Builds a tree from paths; missing parents become directories. Every path belongs to `package`. */
export function testTree(paths: Readonly<Record<string, TestPath>>, package_ = 'test'): TestTree {
  const origin: Origin = { kind: 'package', name: package_ }
  const entries = new Map<string, TreeEntry>()
  const contents = new Map<string, Uint8Array>()
  const directory = (path: string, mode = 0o755, uid = 0, gid = 0) =>
    entries.set(path, { type: 'directory', path, mode, uid, gid, mtime: 0, origin })
  for (const [path, value] of Object.entries(paths)) {
    for (let end = path.indexOf('/', 1); end > 0; end = path.indexOf('/', end + 1)) {
      if (!entries.has(path.slice(0, end))) directory(path.slice(0, end))
    }
    const given = typeof value === 'string' ? { content: value } : value
    if ('link' in given) {
      entries.set(path, { type: 'symlink', path, target: given.link, mode: 0o777, uid: 0, gid: 0, mtime: 0, origin })
      continue
    }
    const { mode, uid = 0, gid = 0 } = given
    if ('directory' in given) {
      directory(path, mode, uid, gid)
      continue
    }
    const content = typeof given.content === 'string' ? new TextEncoder().encode(given.content) : given.content
    contents.set(path, content)
    const digest = digestOf(content)
    entries.set(path, {
      type: 'file',
      path,
      mode: mode ?? 0o644,
      uid,
      gid,
      mtime: 0,
      size: content.length,
      digest,
      origin,
    })
  }
  return {
    tree: new MemoryTree(entries.values()),
    read(path) {
      const content = contents.get(path)
      if (content === undefined) throw new Error(`the test tree has no file ${path}`)
      return content
    },
  }
}
