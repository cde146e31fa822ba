import { TAR_END } from '#core'
import { encodeTar, layerDirectories } from '../layer.ts'
import type { LayerCodec, MemberIndex } from '../member.ts'
import type { Tree } from '../tree.ts'
import type { LayerStore } from './layer-store.ts'
import type { MemberStore } from './member-store.ts'
import type { LayerSegment, MeasuredLayer, MemberPool } from './member-task.ts'

/** A layer of an image: what it is called in its history, what it hashes to, and where its bytes stand. */
export interface BuiltLayer extends MeasuredLayer {
  readonly name: string
  readonly segments: readonly LayerSegment[]
}

/** Where layers are made. */
export interface LayerWorkshop {
  readonly members: MemberStore
  readonly layers: LayerStore
  readonly pool: MemberPool
  readonly codec: LayerCodec
}

/**
 * Puts a layer of packages together from their members in name order, behind one stream that holds the directories
 * once: nothing is compressed but those.
 */
export function buildPackageLayer(
  name: string,
  members: readonly MemberIndex[],
  tree: Tree,
  workshop: LayerWorkshop,
): Promise<BuiltLayer> {
  const directories = encodeTar(layerDirectories(members, tree), () => new Uint8Array())
  const ordered = [...members].sort((left, right) => (left.package < right.package ? -1 : 1))
  const segments = [
    ...(directories.length > 0 ? [workshop.layers.putStream(directories, workshop.codec)] : []),
    ...ordered.filter((member) => member.size > 0).map((member) => memberSegment(member, workshop)),
    workshop.layers.putStream(TAR_END, workshop.codec),
  ]
  return measured(name, segments, workshop)
}

/** Puts a layer together from tar entries that stand in memory; the end mark is added. */
export function buildStreamLayer(name: string, tar: Uint8Array, workshop: LayerWorkshop): Promise<BuiltLayer> {
  return measured(name, [workshop.layers.putStream(Buffer.concat([tar, TAR_END]), workshop.codec)], workshop)
}

function memberSegment(member: MemberIndex, { members }: LayerWorkshop): LayerSegment {
  return {
    path: members.streamPath(member.key),
    digest: member.digest,
    blocks: member.blocks.map(({ length }) => length),
  }
}

async function measured(name: string, segments: readonly LayerSegment[], workshop: LayerWorkshop): Promise<BuiltLayer> {
  return { name, segments, ...(await workshop.layers.measure(segments, workshop.codec, workshop.pool)) }
}
