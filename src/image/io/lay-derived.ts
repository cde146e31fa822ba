import { type Digest, TAR_END } from '#core'
import type { DerivedFiles } from '../derived/derived-effect.ts'
import { encodeTar } from '../layer.ts'
import type { TreeEntry } from '../tree.ts'
import type { LaidLayer } from './laid-layers.ts'
import { buildKnownLayer, type LayerWorkshop } from './layers.ts'

/** What a derived effect gave for a whole image. */
export interface DerivedWhole {
  readonly effect: string
  /** With the directories above the files. */
  readonly entries: readonly TreeEntry[]
  readonly files: DerivedFiles
  /** All of it, as its digest names it. */
  readonly tar: Uint8Array
  readonly digest: Digest
  /** Of an overlay, the layers of its base. */
  readonly base: readonly LaidLayer[]
}

/**
 * Puts what a derived effect gave among the layers of an image, below the last one. Where layers of a base hold some of it
 * already, those stay and only the rest is put above; where they hold what the image shall not have, one with the whole
 * takes their place.
 */
export async function layDerived(
  layers: readonly LaidLayer[],
  whole: DerivedWhole,
  workshop: LayerWorkshop,
): Promise<readonly LaidLayer[]> {
  const { effect, entries, tar, digest } = whole
  const isBelow = ({ content }: LaidLayer) => content.kind === 'derived' && content.effect === effect
  const below = layers.findIndex(isBelow)
  const lay = async (bytes: Uint8Array, own: readonly TreeEntry[]): Promise<LaidLayer> => {
    const known = bytes === tar ? digest : undefined
    const layer = await buildKnownLayer(`derived effect ${effect}`, bytes, workshop, known)
    return { ...layer, content: { kind: 'derived', effect, entries: own } }
  }
  if (below < 0) return belowLast(layers, await lay(tar, entries), whole.base)
  const shown = new Map<string, string | undefined>()
  for (const { content } of layers.filter(isBelow)) {
    if (content.kind === 'packages') continue
    for (const entry of content.entries) if (entry.type === 'file') shown.set(entry.path, entry.digest)
  }
  if ([...shown.keys()].some((path) => !whole.files.has(path))) {
    const others = layers.map((layer, index) => (index === below ? undefined : layer))
    const first = await lay(tar, entries)
    return others.flatMap((layer) => (layer === undefined ? [first] : isBelow(layer) ? [] : [layer]))
  }
  const missing = entries.filter((entry) => entry.type === 'file' && shown.get(entry.path) !== entry.digest)
  if (missing.length === 0) return layers
  const own = entries.filter(({ path, type }) =>
    missing.some((file) => file.path === path || (type === 'directory' && file.path.startsWith(`${path}/`))),
  )
  const none = new Uint8Array()
  const part = encodeTar(own, (path) => whole.files.get(path) ?? none)
  return belowLast(layers, await lay(Buffer.concat([part, TAR_END]), own), whole.base)
}

/** An overlay may have no last layer of its own; what is its base's stays below. */
function belowLast(layers: readonly LaidLayer[], layer: LaidLayer, base: readonly LaidLayer[]): readonly LaidLayer[] {
  const last = layers.at(-1)
  const isOwn = last?.content.kind === 'own' && !base.includes(last)
  return isOwn ? [...layers.slice(0, -1), layer, last] : [...layers, layer]
}
