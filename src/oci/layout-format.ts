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
 * Gives the `index.json` of a layout after `top` has been put in under `tag`: what had this name before (no name, where
 * `tag` is left out) is replaced, every other entry is kept.
 */
export function tagged(index: ImageIndex | undefined, top: Descriptor, tag: string | undefined): Uint8Array {
  const named = tag === undefined ? top : { ...top, annotations: { ...top.annotations, [ANNOTATIONS.refName]: tag } }
  const others = (index?.manifests ?? []).filter((entry) => entry.annotations?.[ANNOTATIONS.refName] !== tag)
  const { annotations } = index ?? {}
  return formatIndex({
    mediaType: MEDIA_TYPES.index,
    manifests: [...others, named],
    ...(annotations ? { annotations } : {}),
  })
}
