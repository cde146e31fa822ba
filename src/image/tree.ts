import type { Digest } from '#core'

/** Who put a path into an image: a package, a named effect, or the definition itself. */
export type Origin =
  | { readonly kind: 'package'; readonly name: string }
  | { readonly kind: 'effect'; readonly name: string }
  | { readonly kind: 'definition' }

interface Metadata {
  /** Absolute, normalised, with the merged /usr already applied: `/usr/bin/sh`, never `/bin/sh` or `/usr/bin/../sh`. */
  readonly path: string
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Seconds since the epoch. */
  readonly mtime: number
  readonly origin: Origin
}

export interface DirectoryEntry extends Metadata {
  readonly type: 'directory'
}

export interface FileEntry extends Metadata {
  readonly type: 'file'
  readonly size: number
  readonly digest: Digest
}

/** A symbolic link; `target` is the link's text, untouched. */
export interface SymlinkEntry extends Metadata {
  readonly type: 'symlink'
  readonly target: string
}

/** A second name of a file of the same package; `target` is that file's absolute path in the tree. */
export interface HardlinkEntry extends Metadata {
  readonly type: 'hardlink'
  readonly target: string
}

export type TreeEntry = DirectoryEntry | FileEntry | SymlinkEntry | HardlinkEntry

/** The merged file tree of an image. Links resolve inside it only; nothing in it was ever on the host's disk. */
export interface Tree {
  /** The entry at exactly this path; parents that are links are not followed. */
  get(path: string): TreeEntry | undefined
  /**
   * The path that `path` names once every link in it, the last one included, is followed inside the tree, as the
   * kernel would with the tree as root; `undefined` when it leads nowhere or in a circle.
   */
  resolve(path: string): string | undefined
  /** The names in a directory, in code-unit order; empty when it is none. */
  list(directory: string): readonly string[]
  /** Every entry, in code-unit order of paths, so that a directory comes before what is in it. */
  entries(): Iterable<TreeEntry>
}
