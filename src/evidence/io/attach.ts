import {
  BUNDLE_TYPE,
  ENVELOPE_TYPE,
  formatEnvelope,
  formatImageSignature,
  formatStatement,
  IMAGE_SIGNATURE_TYPE,
  SIGN_PREDICATE,
  type Signatory,
} from '#attest'
import { digestOf, type Json } from '#core'
import {
  type BlobSource,
  composeArtifact,
  type Descriptor,
  type ImageDocument,
  parseManifest,
  type Repository,
} from '#oci'
import {
  composeTagged,
  evidenceTag,
  isReplacedBy,
  layerDescriptor,
  SIGNATURE_ANNOTATION,
  SIGNED_BY_ANNOTATION,
  type TagKind,
  type TagLayer,
} from '../tag-form.ts'

/** Whose name an image is signed under, and by whom. */
export interface Signing {
  readonly repository: Repository
  readonly signatory: Signatory
  /** The repository that signatures of the older form name, e.g. `registry.example.org/team/app`. */
  readonly signedAs: string
  /** Seconds since the epoch, as the signatures shall say it. */
  readonly signedAt: number
  /** Signs again what the same signatory has signed before, in its place: with today's time. */
  readonly renews?: boolean
}

/** A statement about one manifest. */
export interface NewEvidence {
  readonly predicateType: string
  readonly predicate: Json
}

/** Whether something new was attached, or the same was there already. */
export type AttachOutcome = 'attached' | 'present'

/** The annotation by which what is attached is known again without reading it. It is a hint and proves nothing. */
const PAYLOAD = 'dev.casemate.payload'

/**
 * Signs a manifest or index in both forms: a payload with its signature under the subject's `.sig` tag, and a bundle among
 * its referrers. What the same signatory has signed already stays as it is. Rejects as the repository and the signatory do.
 */
export async function attachSignature(subject: Descriptor, signing: Signing): Promise<AttachOutcome> {
  const { signatory, signedAs, signedAt } = signing
  const payload = formatImageSignature({ repository: signedAs, digest: subject.digest, signedAt })
  const isKnown = ({ annotations }: Descriptor) =>
    annotations?.[SIGNED_BY_ANNOTATION] === signatory.name && annotations[PAYLOAD] === signedAs
  const attachment =
    signing.renews === true
      ? ({ signing, kind: 'sig', isKnown: () => false, isReplaced: isKnown } as const)
      : ({ signing, kind: 'sig', isKnown } as const)
  const tagged = await attachTagged(subject, attachment, async () => {
    const { signature, annotations } = await signatory.signPayload(payload)
    const encoded = Buffer.from(signature).toString('base64')
    const own = { [SIGNED_BY_ANNOTATION]: signatory.name, [PAYLOAD]: signedAs }
    return {
      mediaType: IMAGE_SIGNATURE_TYPE,
      bytes: payload,
      annotations: { ...annotations, ...own, [SIGNATURE_ANNOTATION]: encoded },
    }
  })
  const bundled = await attachStatement(subject, { predicateType: SIGN_PREDICATE, predicate: {} }, signing)
  return tagged === 'present' && bundled === 'present' ? 'present' : 'attached'
}

/**
 * Signs a statement about a manifest or index and attaches it in both forms: its envelope under the subject's `.att` tag,
 * in place of what the same signatory has said of the same type, and a bundle among its referrers. The same statement
 * again is not signed again. Rejects as the repository and the signatory do.
 */
export async function attachStatement(
  subject: Descriptor,
  { predicateType, predicate }: NewEvidence,
  signing: Signing,
): Promise<AttachOutcome> {
  const { repository, signatory, signedAs } = signing
  const subjects = [{ name: signedAs, digest: subject.digest }]
  const payload = formatStatement({ subjects, predicateType, predicate })
  const own = { [SIGNED_BY_ANNOTATION]: signatory.name, [PAYLOAD]: digestOf(payload) }
  const isSame = ({ annotations }: Descriptor) =>
    annotations?.[SIGNED_BY_ANNOTATION] === own[SIGNED_BY_ANNOTATION] && annotations[PAYLOAD] === own[PAYLOAD]
  let signed: ReturnType<Signatory['signStatement']> | undefined
  const sign = () => {
    signed ??= signatory.signStatement(payload)
    return signed
  }
  let outcome: AttachOutcome = 'present'
  // An image's signature has a form of its own under a tag; it is a statement among the referrers only.
  if (predicateType !== SIGN_PREDICATE) {
    const isReplaced = (layer: Descriptor) => isReplacedBy(layer, { annotations: { ...own, predicateType } })
    const attachment = { signing, kind: 'att', isKnown: isSame, isReplaced } as const
    outcome = await attachTagged(subject, attachment, async () => {
      const { envelope, annotations } = await sign()
      const bytes = new TextEncoder().encode(formatEnvelope(envelope))
      return {
        mediaType: ENVELOPE_TYPE,
        bytes,
        annotations: { ...annotations, ...own, predicateType, [SIGNATURE_ANNOTATION]: '' },
      }
    })
  }
  const referrers = await repository.referrers(subject.digest)
  if (referrers.some((one) => one.artifactType === BUNDLE_TYPE && isSame(one))) return outcome
  const { bundle } = await sign()
  const { manifest, blobs } = composeArtifact({
    artifactType: BUNDLE_TYPE,
    content: { mediaType: BUNDLE_TYPE, bytes: bundle },
    subject,
    annotations: {
      ...own,
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': predicateType,
    },
  })
  await store(repository, blobs)
  await repository.putManifest(manifest, manifest.descriptor.digest)
  return 'attached'
}

/** Where something goes in the older form, and what it meets there. */
interface TagAttachment {
  readonly signing: Signing
  readonly kind: TagKind
  /** What is the same already; then nothing is made. */
  isKnown(layer: Descriptor): boolean
  /** What makes way. */
  isReplaced?(layer: Descriptor): boolean
}

async function attachTagged(
  subject: Descriptor,
  { signing: { repository }, kind, isKnown, isReplaced }: TagAttachment,
  make: () => Promise<TagLayer>,
): Promise<AttachOutcome> {
  const tag = evidenceTag(subject.digest, kind)
  const found = await repository.readManifest(tag)
  const layers = found === undefined ? [] : parseManifest(found.bytes, `${repository.name}:${tag}`).layers
  if (layers.some(isKnown)) return 'present'
  const added = await make()
  const kept = isReplaced === undefined ? layers : layers.filter((layer) => !isReplaced(layer))
  const { manifest, config } = composeTagged([...kept, layerDescriptor(added)])
  await store(repository, [config, { descriptor: layerDescriptor(added), bytes: added.bytes }])
  await repository.putManifest(manifest, tag)
  return 'attached'
}

async function store(repository: Repository, blobs: readonly ImageDocument[]): Promise<void> {
  for (const { descriptor, bytes } of blobs) {
    const source: BlobSource = {
      async *open(_, start = 0) {
        yield bytes.subarray(start)
      },
    }
    await repository.ensureBlob(descriptor, source)
  }
}
