import type { Digest } from '#core'
import type { Annotations, Descriptor } from '#oci'

/** One thing that is attached to a manifest, as it was read. `place` is what messages call it. */
export type EvidenceItem = { readonly place: string; readonly annotations: Annotations } & (
  | { readonly kind: 'image-signature'; readonly payload: Uint8Array; readonly signature: Uint8Array }
  | { readonly kind: 'envelope'; readonly bytes: Uint8Array }
  | { readonly kind: 'bundle'; readonly bytes: Uint8Array }
)

/** What is attached to one manifest or index; nothing of it was verified but digests. */
export interface FoundEvidence {
  readonly subject: Digest
  readonly items: readonly EvidenceItem[]
  /** What refers to it and is no bundle: SBOMs of others, signatures of other kinds. */
  readonly others: readonly Descriptor[]
}
