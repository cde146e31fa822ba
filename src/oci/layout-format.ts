import { canonicalJson, type Digest, hexOf } from '#core'
import { ANNOTATIONS } from './annotations.ts'
import type { Descriptor } from './descriptor.ts'
import { formatIndex, type ImageIndex } from './index-document.ts'
import { MEDIA_TYPES } from './media-types.ts'

/** The file that marks a layout, and its whole content (image-spec §image-layout, "oci-layout file"). */
export const LAYOUT_FILE = 'oci-layout'
export const LAYOUT_MARK: Uint8Array = new TextEncoder().encode(canonicalJson({ imageLayoutVersion: '1.0.0' }))

/** The file that lists what a layout holds. */
export const LAYOUT_INDEX = 'index.json'

/** The path of a blob inside a layout, with `/`. */
export function blobPath(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`
}

/**
 * Gives the `index.json` of a layout after `top` has been put in under `tag`: what had this name before (for no name: every
 * image without one) is replaced, every other entry is kept.
 */
export function tagged(index: ImageIndex | undefined, top: Descriptor, tag: string | undefined): Uint8Array {
  const isReplaced = (entry: Descriptor) => layoutTag(entry) === tag && (tag !== undefined || !entry.artifactType)
  const others = (index?.manifests ?? []).filter((entry) => !isReplaced(entry))
  return formatLayoutIndex(index, [...others, named(top, tag)])
}

/** How a manifest or index is put into a layout's `index.json`. */
export interface Listing {
  readonly tag?: string | undefined
  /** What it lists itself, if it is an index: found through it from then on. */
  readonly below: readonly Descriptor[]
}

/**
 * Gives the `index.json` of a layout after a manifest or index has been put in, beside all others that have no name; what
 * had its tag is replaced. What is found by a name or through an index is not listed without a name as well.
 */
export function listed(index: ImageIndex | undefined, entry: Descriptor, { tag, below }: Listing): Uint8Array {
  const manifests = index?.manifests ?? []
  const reached = new Set([entry.digest, ...below.map(({ digest }) => digest)])
  const others = manifests.filter((one) =>
    layoutTag(one) === undefined ? !reached.has(one.digest) : layoutTag(one) !== tag,
  )
  const isNamed = tag === undefined && others.some(({ digest }) => digest === entry.digest)
  return formatLayoutIndex(index, isNamed ? others : [...others, named(entry, tag)])
}

/** The name of an entry of `index.json`, which is its tag (image-spec §annotations, "ref.name"). */
export function layoutTag({ annotations }: Descriptor): string | undefined {
  return annotations?.[ANNOTATIONS.refName]
}

function named(entry: Descriptor, tag: string | undefined): Descriptor {
  return tag === undefined ? entry : { ...entry, annotations: { ...entry.annotations, [ANNOTATIONS.refName]: tag } }
}

function formatLayoutIndex(index: ImageIndex | undefined, manifests: readonly Descriptor[]): Uint8Array {
  const { annotations } = index ?? {}
  return formatIndex({ mediaType: MEDIA_TYPES.index, manifests, ...(annotations ? { annotations } : {}) })
}
