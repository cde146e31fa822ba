import { digestOf } from '#core'
import { ImageError } from '../errors.ts'
import { encodeTar, layerDirectories } from '../layer.ts'
import { type LockedPackage, packageKey } from '../lock/lock.ts'
import type { MemberIndex } from '../member.ts'
import type { Tree, TreeEntry } from '../tree.ts'
import { type BuiltLayer, buildPackageLayer, buildStreamLayer, type LayerWorkshop } from './layers.ts'

/** A layer, with what it puts into the image: what stacks on it has to know. */
export interface LaidLayer extends BuiltLayer {
  readonly content: LayerContent
}

export type LayerContent = PackageContent | DerivedContent | OwnContent

interface PackageContent {
  readonly kind: 'packages'
  readonly packages: readonly LockedPackage[]
  readonly members: readonly MemberIndex[]
  /** Says what the directories are. */
  readonly tree: Tree
}

/** What a derived effect gave, or the part of it that is not in layers below. */
export interface DerivedContent {
  readonly kind: 'derived'
  readonly effect: string
  readonly entries: readonly TreeEntry[]
}

/** Effects, definition files and the package database. */
export interface OwnContent {
  readonly kind: 'own'
  /** In the order of paths. */
  readonly entries: readonly LaidEntry[]
  /** The bytes of a file among them. */
  read(path: string): Uint8Array
}

/** A path as a layer puts it there; a file that effects wrote has its digest. */
export type LaidEntry = Pick<TreeEntry, 'path' | 'type' | 'mode' | 'uid' | 'gid' | 'mtime'> & {
  readonly digest?: string
  readonly target?: string
}

/** dpkg's status: made of the packages, and no path of the tree. */
export interface DpkgStatus {
  readonly content: Uint8Array
  /** Its time, in seconds. */
  readonly epoch: number
}

export const STATUS_PATH = '/var/lib/dpkg/status'
const OWN_LAYER = 'effects, definition files and the package database'

export function statusEntry({ content, epoch }: DpkgStatus): LaidEntry {
  const metadata = { type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: epoch } as const
  return { path: STATUS_PATH, ...metadata, digest: digestOf(content) }
}

/** Lays packages in one layer. Throws `LOCK_INVALID` for one whose member nobody has. */
export async function layPackages(
  packages: readonly LockedPackage[],
  { members, tree }: { members: ReadonlyMap<string, MemberIndex>; tree: Tree },
  workshop: LayerWorkshop,
): Promise<LaidLayer> {
  const name = packages.map((one) => `${one.name} ${one.version}`).join(', ')
  const own = packages.map((one) => known(members, packageKey(one)))
  const layer = await buildPackageLayer(name, own, tree, workshop)
  return { ...layer, content: { kind: 'packages', packages, members: own, tree } }
}

/** Lays what no package ships. */
export async function layOwn(content: OwnContent, workshop: LayerWorkshop): Promise<LaidLayer> {
  const tar = encodeTar(content.entries, (path) => content.read(path))
  return { ...(await buildStreamLayer(OWN_LAYER, tar, workshop)), content }
}

/** Every path that a layer has in its tar, directories among them. */
export function entriesOf(content: LayerContent): readonly LaidEntry[] {
  if (content.kind !== 'packages') return content.entries
  const { members, tree } = content
  const others = members.flatMap(({ entries }) => entries.filter(({ type }) => type !== 'directory'))
  return [...layerDirectories(members, tree), ...others]
}

function known(members: ReadonlyMap<string, MemberIndex>, name: string): MemberIndex {
  const member = members.get(name)
  if (member === undefined)
    throw new ImageError('LOCK_INVALID', `cannot assemble a layer: package ${name} is not selected`)
  return member
}
