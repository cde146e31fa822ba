import { parentPath } from '#core'
import { CONTRACT_PATH } from '../contract-file.ts'
import { type LockedPackage, packageKey } from '../lock/lock.ts'
import type { MemberIndex } from '../member.ts'
import type { Tree } from '../tree.ts'
import {
  type DpkgStatus,
  entriesOf,
  type LaidEntry,
  type LaidLayer,
  layOwn,
  layPackages,
  type OwnContent,
  STATUS_PATH,
  statusEntry,
} from './laid-layers.ts'
import type { LayerWorkshop } from './layers.ts'

/** A file of dpkg's database that a member holds. */
export interface DatabaseRecord {
  readonly entry: LaidEntry
  read(): Uint8Array
}

/** What an image shall be, and the layers that are there. */
export interface StackOrder {
  /** The image's packages, and their members by `packageKey`. */
  readonly packages: readonly LockedPackage[]
  readonly members: ReadonlyMap<string, MemberIndex>
  /** What the image shall show, but for dpkg's status and derived effects. */
  readonly tree: Tree
  /** The bytes of a file or hard link of `tree`. */
  read(path: string): Uint8Array
  readonly status: DpkgStatus
  /** Records of dpkg's that are to be others than `tree` says, by path. */
  readonly records: ReadonlyMap<string, DatabaseRecord>
  /** The layers of the base, lowest first. */
  readonly base: readonly LaidLayer[]
  /** The layers of the packages that the base does not have, lowest first. */
  readonly own: readonly LaidLayer[]
}

/**
 * Puts layers on those of a base: its own stay, byte for byte, unless they hold a path that the image shall not have, or has
 * as something else; those are made anew without it, because nothing is hidden in an image that can be left out. On top
 * comes one layer with every path that the layers below do not show as it shall be, times aside; none where there is none.
 * Layers of derived effects stay here: what they shall be is known later.
 */
export async function stackLayers(order: StackOrder, workshop: LayerWorkshop): Promise<readonly LaidLayer[]> {
  const below = (await Promise.all(order.base.map((layer) => layAgain(layer, order, workshop)))).flat()
  const layers = [...below, ...order.own]
  const top = topContent(layers, order)
  return top === undefined ? layers : [...layers, await layOwn(top, workshop)]
}

async function layAgain(layer: LaidLayer, order: StackOrder, workshop: LayerWorkshop): Promise<readonly LaidLayer[]> {
  const { content } = layer
  if (content.kind === 'derived') return [layer]
  const stays = entriesOf(content).every((entry) => isWanted(entry, order))
  if (content.kind === 'own') {
    if (stays) return [layer]
    const entries = content.entries.filter((entry) => isWanted(entry, order))
    return entries.length === 0 ? [] : [await layOwn({ ...content, entries }, workshop)]
  }
  const wanted = new Map(order.packages.map((one) => [packageKey(one), one]))
  const packages = content.packages.flatMap((one) => wanted.get(packageKey(one)) ?? [])
  const isSame = content.packages.every((one) => wanted.get(packageKey(one))?.digest === one.digest)
  if (isSame && stays) return [layer]
  return packages.length === 0 ? [] : [await layPackages(packages, order, workshop)]
}

/** Whether the image has something there that a layer above may put in its place: a directory for a directory, or no directory for none. */
function isWanted({ path, type }: LaidEntry, { tree }: StackOrder): boolean {
  if (path === STATUS_PATH) return true
  const wanted = tree.get(path)
  return wanted !== undefined && (wanted.type === 'directory') === (type === 'directory')
}

/** Everything that layers do not show as it shall be, with the directories above it. */
function topContent(layers: readonly LaidLayer[], { tree, read, records, status }: StackOrder): OwnContent | undefined {
  const shown = new Map<string, LaidEntry>()
  for (const { content } of layers) for (const entry of entriesOf(content)) shown.set(entry.path, entry)
  const kept = [...tree.entries()].map((entry) => records.get(entry.path)?.entry ?? entry)
  const wanted: readonly LaidEntry[] = [...kept, statusEntry(status)]
  const missing = wanted.filter((entry) => !isSame(shown.get(entry.path), entry))
  if (missing.length === 0) return undefined
  // The contract stands in every such layer, also where it is the base's: by it a layer is known as ours.
  const contract = wanted.filter(({ path }) => path === CONTRACT_PATH)
  const entries = new Map<string, LaidEntry>()
  for (const entry of [...missing, ...contract]) {
    // Engines that unpack a layer by itself give directories that it does not name modes of their own.
    for (let above = parentPath(entry.path); above !== '' && !entries.has(above); above = parentPath(above)) {
      const directory = tree.get(above)
      if (directory !== undefined) entries.set(above, directory)
    }
    // The other name of a hard link may be in another layer, where a link does not reach.
    const { target: _, ...file } = entry
    entries.set(entry.path, entry.type === 'hardlink' ? { ...file, type: 'file' } : entry)
  }
  return {
    kind: 'own',
    entries: [...entries.values()].sort((left, right) => (left.path < right.path ? -1 : 1)),
    read: (path) => (path === STATUS_PATH ? status.content : (records.get(path)?.read() ?? read(path))),
  }
}

/** Alike in all that an image shows, times aside: a base's own times stay. */
function isSame(left: LaidEntry | undefined, right: LaidEntry): boolean {
  return (
    left !== undefined &&
    left.type === right.type &&
    left.uid === right.uid &&
    left.gid === right.gid &&
    left.digest === right.digest &&
    left.target === right.target &&
    (left.mode === right.mode || left.type === 'symlink')
  )
}
