import { encodeTarEntry, pathsAbove, TAR_END, type TarHeaderInput, tarPadding } from '#core'
import type { ImageFiles } from '#oci'
import type { PatchChanges } from './patch-files.ts'
import type { PutEntry } from './patched-tree.ts'

const WHITEOUT = '.wh.'

/**
 * Writes the layer of a patch as tar: each changed path behind the folders that lead to it, as the image has them, and a
 * whiteout for each that goes (image-spec, layer.md). The same changes give the same bytes.
 */
export function encodePatchLayer(changes: PatchChanges['changes'], files: ImageFiles): Uint8Array {
  const put = new Map(changes)
  const entries = new Map<string, PutEntry>()
  for (const [path, change] of changes) {
    for (const folder of pathsAbove(path)) {
      const here = files.get(folder)
      if (here?.type === 'directory' && !put.has(folder)) entries.set(folder, directoryOf(here))
    }
    if (change === undefined) entries.set(...whiteoutOf(path))
    else entries.set(path, change)
  }
  const removed = new Set(changes.filter(([, change]) => change === undefined).map(([path]) => path))
  // One whiteout takes a folder away with all that is in it.
  const shown = [...entries].filter(([, { path }]) => !pathsAbove(path).some((folder) => removed.has(folder)))
  const sorted = shown.sort(([left], [right]) => (left < right ? -1 : 1)).map(([, entry]) => entry)
  const [links, others] = [sorted.filter(isHardlink), sorted.filter((entry) => !isHardlink(entry))]
  return Buffer.concat([...[...others, ...links].flatMap(encode), TAR_END])
}

function isHardlink({ type }: PutEntry): boolean {
  return type === 'hardlink'
}

function directoryOf({ path, mode, uid, gid, mtime, xattrs }: PutEntry): PutEntry {
  return { path, type: 'directory', mode, uid, gid, mtime, ...(xattrs === undefined ? {} : { xattrs }) }
}

function whiteoutOf(path: string): [string, PutEntry] {
  const slash = path.lastIndexOf('/') + 1
  const whiteout = `${path.slice(0, slash)}${WHITEOUT}${path.slice(slash)}`
  return [whiteout, { path: whiteout, type: 'file', mode: 0, uid: 0, gid: 0, mtime: 0, content: new Uint8Array() }]
}

function encode({ content, ...entry }: PutEntry): Uint8Array[] {
  const { type, linkPath = '' } = entry
  const header: TarHeaderInput = {
    ...entry,
    path: entry.path.slice(1),
    mtime: Math.max(0, entry.mtime),
    ...(type === 'hardlink' ? { linkPath: linkPath.slice(1) } : {}),
    ...(type === 'file' ? { size: content?.length ?? 0 } : {}),
  }
  const head = encodeTarEntry(header)
  return content === undefined ? [head] : [head, content, new Uint8Array(tarPadding(content.length))]
}
