import { canonicalJson, type Digest } from '#core'
import { type Annotations, type Descriptor, describe, formatManifest, type ImageDocument, MEDIA_TYPES } from '#oci'

/** What the older form keeps under a tag made of the subject's digest: image signatures, or statements. */
export type TagKind = 'sig' | 'att'

/** The tag of a subject's signatures, statements or SBOM, as cosign 2 names it. */
export function evidenceTag(subject: Digest, kind: TagKind | 'sbom'): string {
  return `${subject.replace(':', '-')}.${kind}`
}

/** One signature or statement: the layer of a manifest, with what stands beside it as annotations. */
export interface TagLayer {
  readonly mediaType: string
  readonly bytes: Uint8Array
  readonly annotations: Annotations
}

/** The annotation that holds the signature over a layer's bytes, in base64; empty for statements, which hold their own. */
export const SIGNATURE_ANNOTATION = 'dev.cosignproject.cosign/signature'

/** The annotation that says who has signed a layer of ours. It is a hint and proves nothing. */
export const SIGNED_BY_ANNOTATION = 'dev.casemate.signed-by'

type Annotated = Pick<Descriptor, 'annotations'>

/** Tells whether a statement takes the place of another: of the same type, by the same signatory. */
export function isReplacedBy(older: Annotated, newer: Annotated): boolean {
  const [by, type] = [older.annotations?.[SIGNED_BY_ANNOTATION], older.annotations?.['predicateType']]
  if (by === undefined || type === undefined) return false
  return newer.annotations?.[SIGNED_BY_ANNOTATION] === by && newer.annotations['predicateType'] === type
}

/** Makes the manifest under such a tag: an image whose layers are what is attached, those that were there before first. */
export function composeTagged(layers: readonly Descriptor[]): { manifest: ImageDocument; config: ImageDocument } {
  const json = canonicalJson({
    architecture: '',
    config: {},
    created: '0001-01-01T00:00:00Z',
    history: layers.map(() => ({ created: '0001-01-01T00:00:00Z' })),
    os: '',
    // Nothing is compressed, so what is stored is what it is.
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
  })
  const bytes = new TextEncoder().encode(json)
  const config = { descriptor: describe(MEDIA_TYPES.config, bytes), bytes }
  const manifest = formatManifest({ mediaType: MEDIA_TYPES.manifest, config: config.descriptor, layers })
  return { manifest: { descriptor: describe(MEDIA_TYPES.manifest, manifest), bytes: manifest }, config }
}

/** The descriptor of a layer, with its annotations. */
export function layerDescriptor({ mediaType, bytes, annotations }: TagLayer): Descriptor {
  return { ...describe(mediaType, bytes), annotations }
}
