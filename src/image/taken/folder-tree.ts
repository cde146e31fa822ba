import { type ImageFile, ImageFiles } from '#oci'

/** A path of a folder of the repository, as far as a repository keeps it. */
export interface FolderEntry {
  /** From the folder: `/lib/x.py`. */
  readonly path: string
  readonly type: 'file' | 'symlink'
  readonly isExecutable: boolean
  /** Of a link, as written. */
  readonly target: string
}

/** The folder as a tree, its directories left out: no repository has an empty one. */
export function folderTree(entries: readonly FolderEntry[]): ImageFiles {
  const files = entries.map(({ path, type, isExecutable, target }): [string, ImageFile] => {
    const mode = isExecutable ? 0o755 : 0o644
    return [path, { path, type, mode, uid: 0, gid: 0, size: 0, mtime: 0, target, layer: 0, xattrs: new Map() }]
  })
  return new ImageFiles(new Map(files))
}
