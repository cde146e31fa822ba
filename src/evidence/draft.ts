import { BUNDLE_TYPE, ENVELOPE_TYPE, formatEnvelope, formatStatement, type Signatory } from '#attest'
import { digestOf, type Json } from '#core'
import { type Annotations, type Artifact, composeArtifact, type Descriptor, type ImageDocument } from '#oci'
import { layerDescriptor, SIGNATURE_ANNOTATION, SIGNED_BY_ANNOTATION } from './tag-form.ts'

/** A statement about one manifest. */
export interface NewEvidence {
  readonly predicateType: string
  readonly predicate: Json
}

/** The annotation by which what is attached is known again without reading it. It is a hint and proves nothing. */
export const PAYLOAD_ANNOTATION = 'dev.casemate.payload'

/** A statement that may have to be signed. */
export interface Draft {
  readonly predicateType: string
  readonly payload: Uint8Array
  /** What says whose and which it is, in both forms. */
  readonly own: Annotations
}

/** Makes the payload of a statement; the same statement of the same signatory is the same draft. */
export function draftOf(
  subject: Descriptor,
  { predicateType, predicate }: NewEvidence,
  { signedAs, signatory }: { readonly signedAs: string; readonly signatory: Pick<Signatory, 'name'> },
): Draft {
  const payload = formatStatement({
    subjects: [{ name: signedAs, digest: subject.digest }],
    ...{ predicateType, predicate },
  })
  const own = { [SIGNED_BY_ANNOTATION]: signatory.name, [PAYLOAD_ANNOTATION]: digestOf(payload) }
  return { predicateType, payload, own }
}

/** Whether a descriptor has these annotations, besides others. */
export function hasAnnotations({ annotations }: Descriptor, own: Annotations): boolean {
  return Object.entries(own).every(([name, value]) => annotations?.[name] === value)
}

/** Signs a statement and makes of it the layer for the tag and the artifact for the referrers. Rejects as the signatory does. */
export async function signDraft(
  { predicateType, payload, own }: Draft,
  subject: Descriptor,
  signatory: Signatory,
): Promise<{ readonly layer: ImageDocument; readonly bundle: Artifact }> {
  const { envelope, annotations, bundle } = await signatory.signStatement(payload)
  const bytes = new TextEncoder().encode(formatEnvelope(envelope))
  const said = { ...annotations, ...own, predicateType, [SIGNATURE_ANNOTATION]: '' }
  return {
    layer: { descriptor: layerDescriptor({ mediaType: ENVELOPE_TYPE, bytes, annotations: said }), bytes },
    bundle: composeArtifact({
      artifactType: BUNDLE_TYPE,
      content: { mediaType: BUNDLE_TYPE, bytes: bundle },
      subject,
      annotations: {
        ...own,
        'dev.sigstore.bundle.content': 'dsse-envelope',
        'dev.sigstore.bundle.predicateType': predicateType,
      },
    }),
  }
}
