import { encodeTarEntry, type TarHeaderInput, tarPadding } from '#core'
import type { MemberEntry, MemberIndex } from './member.ts'
import type { TreeEntry } from './tree.ts'

/** What a layer's own tar entry is made of; content stands beside it. */
export type WritableEntry = Pick<TreeEntry, 'path' | 'type' | 'mode' | 'uid' | 'gid' | 'mtime'> & {
  readonly size?: number
  readonly target?: string
}

/** Gives the tar header of an entry: names without a leading slash, owners numeric, times not before 1970. */
export function tarHeaderOf(entry: WritableEntry): TarHeaderInput {
  const target = entry.target ?? ''
  return {
    path: entry.path.slice(1),
    type: entry.type,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtime: Math.max(0, entry.mtime),
    ...(entry.type === 'file' ? { size: entry.size ?? 0 } : {}),
    ...(entry.type === 'symlink' ? { linkPath: target } : {}),
    ...(entry.type === 'hardlink' ? { linkPath: target.slice(1) } : {}),
  }
}

/**
 * The directories that a layer's members need, once each and in order, with mode and owner from the merged tree. The
 * time is the newest that the layer's own packages give a directory, so that the layer does not depend on packages
 * outside it. A path that is no directory in the tree (an effect made it a link) is left out.
 */
export function layerDirectories(
  members: readonly Pick<MemberIndex, 'entries'>[],
  tree: { get(path: string): Pick<TreeEntry, 'type' | 'mode' | 'uid' | 'gid'> | undefined },
): WritableEntry[] {
  const newest = new Map<string, number>()
  const note = (path: string, mtime: number) => newest.set(path, Math.max(mtime, newest.get(path) ?? 0))
  for (const member of members) {
    for (const entry of member.entries) {
      if (entry.type === 'directory') note(entry.path, entry.mtime)
      else noteParents(entry, note)
    }
  }
  const directories: WritableEntry[] = []
  for (const path of [...newest.keys()].sort()) {
    const entry = tree.get(path)
    if (entry?.type !== 'directory') continue
    const { mode, uid, gid } = entry
    directories.push({ path, type: 'directory', mode, uid, gid, mtime: newest.get(path) ?? 0 })
  }
  return directories
}

/**
 * The directories of a layer that holds nothing but one member, as tar: those that its package ships, as it ships them.
 * In an image they may be others, when another package ships a directory above or an effect changes one.
 */
export function directoriesAlone(entries: readonly MemberEntry[]): Uint8Array {
  const shipped = new Map(entries.map((entry) => [entry.path, entry]))
  return encodeTar(layerDirectories([{ entries }], shipped), () => new Uint8Array())
}

/** A package may ship a file and not the directories above it; they then carry no time of their own. */
function noteParents(entry: MemberEntry, note: (path: string, mtime: number) => void): void {
  for (let end = entry.path.lastIndexOf('/'); end > 0; end = entry.path.lastIndexOf('/', end - 1)) {
    note(entry.path.slice(0, end), 0)
  }
}

/** Writes entries and the contents of files as tar, without the end mark. `content` is asked for files only. */
export function encodeTar(entries: readonly WritableEntry[], content: (path: string) => Uint8Array): Uint8Array {
  return Buffer.concat([...tarPieces(entries, content)])
}

/** The same in pieces, contents among them as they were given. */
export function* tarPieces(
  entries: readonly WritableEntry[],
  content: (path: string) => Uint8Array,
): Generator<Uint8Array> {
  for (const entry of entries) {
    const bytes = entry.type === 'file' ? content(entry.path) : undefined
    yield encodeTarEntry(tarHeaderOf(bytes === undefined ? entry : { ...entry, size: bytes.length }))
    if (bytes === undefined) continue
    yield bytes
    yield new Uint8Array(tarPadding(bytes.length))
  }
}
