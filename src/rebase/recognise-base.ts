import type { Digest } from '#core'
import { ANNOTATIONS, type Annotations, type HistoryEntry } from '#oci'

/** An image that others may be built on. */
export interface BaseCandidate {
  /** As its user calls it. */
  readonly name: string
  /** Of its manifest, and of the index that lists it. */
  readonly digests: readonly Digest[]
  /** Of its layers, lowest first. */
  readonly diffIds: readonly Digest[]
  readonly history?: readonly HistoryEntry[]
}

/** What is known of an image whose base is looked for. */
export interface BuiltOnSomething {
  readonly diffIds: readonly Digest[]
  readonly history?: readonly HistoryEntry[]
  /** Of the manifest. */
  readonly annotations?: Annotations
  readonly labels?: Annotations
}

/** A base whose layers an image begins with. */
export interface ProvenBase<Candidate extends BaseCandidate = BaseCandidate> {
  readonly base: Candidate
  /** How many of the image's layers are the base's. */
  readonly layers: number
}

/**
 * What an image is built on. `proven`: the diff IDs of its lowest layers are the base's (builders compress layers anew, so digests
 * prove nothing); several bases that stand on one another come lowest first. `stated`: its annotations or labels say so, and nothing
 * proves it. `squashed`: it says that it is built on a candidate and has none of its layers.
 */
export type BaseRecognition<Candidate extends BaseCandidate = BaseCandidate> =
  | { readonly kind: 'proven'; readonly bases: readonly [ProvenBase<Candidate>, ...ProvenBase<Candidate>[]] }
  | { readonly kind: 'squashed'; readonly base: Candidate }
  | { readonly kind: 'stated'; readonly stated: StatedBase }
  | { readonly kind: 'unknown'; readonly nearest: ProvenBase<Candidate> | undefined }

/** The base that an image says it has (image-spec, "Pre-Defined Annotation Keys"). */
export interface StatedBase {
  readonly name?: string
  readonly digest?: string
}

/** Recognises what an image is built on among the candidates. Their order does not matter, but for those that are alike. */
export function recogniseBase<Candidate extends BaseCandidate>(
  image: BuiltOnSomething,
  candidates: readonly Candidate[],
): BaseRecognition<Candidate> {
  const shared = candidates.map((base) => ({ base, layers: sharedLayers(image.diffIds, base.diffIds) }))
  const [first, ...others] = shared
    .filter(({ base, layers }) => layers > 0 && layers === base.diffIds.length)
    .sort((left, right) => left.layers - right.layers)
  if (first !== undefined) return { kind: 'proven', bases: [first, ...others] }
  const stated = statedBase(image)
  const squashed = shared.find(({ base, layers }) => layers === 0 && claims(image, stated, base))
  if (squashed !== undefined) return { kind: 'squashed', base: squashed.base }
  const [nearest] = shared.filter(({ layers }) => layers > 0).sort((left, right) => right.layers - left.layers)
  if (nearest === undefined && stated !== undefined) return { kind: 'stated', stated }
  return { kind: 'unknown', nearest }
}

/** What an image says of its base: annotations come before labels. */
export function statedBase({ annotations = {}, labels = {} }: BuiltOnSomething): StatedBase | undefined {
  const name = annotations[ANNOTATIONS.baseName] ?? labels[ANNOTATIONS.baseName]
  const digest = annotations[ANNOTATIONS.baseDigest] ?? labels[ANNOTATIONS.baseDigest]
  if (!name && !digest) return undefined
  return { ...(name ? { name } : {}), ...(digest ? { digest } : {}) }
}

function sharedLayers(image: readonly Digest[], base: readonly Digest[]): number {
  const end = base.findIndex((diffId, index) => image[index] !== diffId)
  return end < 0 ? base.length : end
}

/** By digest, or by the history that squashing leaves: that of the base, before its own. */
function claims(image: BuiltOnSomething, stated: StatedBase | undefined, base: BaseCandidate): boolean {
  if (base.digests.some((digest) => digest === stated?.digest)) return true
  const [own = [], below = []] = [image.history, base.history]
  const makers = below.map(({ created_by }) => created_by ?? '')
  return makers.some((maker) => maker !== '') && makers.every((maker, index) => own[index]?.created_by === maker)
}
