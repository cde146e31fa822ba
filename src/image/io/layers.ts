import { type Digest, digestOf, type RecentlyMade, TAR_END } from '#core'
import { encodeTar, layerDirectories } from '../layer.ts'
import type { LayerCodec, MeasuredLayer, MemberIndex } from '../member.ts'
import type { Tree } from '../tree.ts'
import type { BuiltImage } from './build-image.ts'
import type { DerivedStore } from './derived-store.ts'
import { type LayerStore, sizeOf } from './layer-store.ts'
import type { MemberStore } from './member-store.ts'
import type { LayerSegment, MemberPool } from './member-task.ts'

/** A layer of an image: what it is called in its history, what it hashes to, and where its bytes stand. */
export interface BuiltLayer extends MeasuredLayer {
  readonly name: string
  readonly segments: readonly LayerSegment[]
  /** What it is made of, in order. */
  readonly parts: readonly LayerPart[]
}

/** Tar with its end mark, or a member. */
export type LayerPart = Uint8Array | MemberIndex

/** Where layers are made. */
export interface LayerWorkshop {
  readonly members: MemberStore
  readonly layers: LayerStore
  readonly derived: DerivedStore
  readonly pool: MemberPool
  readonly codec: LayerCodec
  /** What overlays stack on, made once for all of them, by the digest of everything that it is a function of. */
  readonly bases?: RecentlyMade<Digest, BuiltImage>
}

/**
 * Puts a layer of packages together from their members in name order, behind one stream that holds the directories
 * once: nothing is compressed but those.
 */
export async function buildPackageLayer(
  name: string,
  members: readonly MemberIndex[],
  tree: Tree,
  workshop: LayerWorkshop,
): Promise<BuiltLayer> {
  const { layers, codec, pool } = workshop
  const directories = encodeTar(layerDirectories(members, tree), () => new Uint8Array())
  const ordered = [...members].sort((left, right) => (left.package < right.package ? -1 : 1))
  const filled = ordered.filter((member) => member.size > 0)
  const segments = [
    ...(directories.length > 0 ? [await layers.putStream(directories, codec)] : []),
    ...filled.map((member) => memberSegment(member, workshop)),
    await layers.putStream(TAR_END, codec),
  ]
  const parts = [Buffer.concat([directories, TAR_END]), ...filled]
  const measured = measuredAlone(members, directories) ?? (await layers.measure(segments, codec, pool))
  return { name, segments, parts, ...measured }
}

/** What a layer of one member was measured as when the member was made, if its directories are what they were then. */
function measuredAlone(members: readonly MemberIndex[], directories: Uint8Array): MeasuredLayer | undefined {
  const [only, ...others] = members
  if (only === undefined || others.length > 0 || only.alone.directories !== digestOf(directories)) return undefined
  const { digest, diffId, size } = only.alone
  return { digest, diffId, size }
}

/** Puts a layer together from tar entries that stand in memory; the end mark is added. */
export function buildStreamLayer(name: string, tar: Uint8Array, workshop: LayerWorkshop): Promise<BuiltLayer> {
  return buildKnownLayer(name, Buffer.concat([tar, TAR_END]), workshop)
}

/** Puts a layer together from a whole tar that stands in memory; `diffId` is its digest. */
export async function buildKnownLayer(
  name: string,
  tar: Uint8Array,
  workshop: LayerWorkshop,
  diffId: Digest = digestOf(tar),
): Promise<BuiltLayer> {
  const segment = await workshop.layers.putStream(tar, workshop.codec, diffId)
  const measured = { digest: segment.digest, diffId, size: sizeOf(segment) }
  return { name, segments: [segment], parts: [tar], ...measured }
}

function memberSegment(member: MemberIndex, { members }: LayerWorkshop): LayerSegment {
  return {
    path: members.streamPath(member.key),
    digest: member.digest,
    blocks: member.blocks.map(({ length }) => length),
  }
}
