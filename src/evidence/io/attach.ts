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
import { digestOf, inParallel, type Json } from '#core'
import {
  type Annotations,
  composeArtifact,
  type Descriptor,
  type ImageDocument,
  memoryBlobs,
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

/** How many statements are signed and sent at a time; each is in memory for that long. */
const TRANSFERS = 4

/**
 * Signs a manifest or index in both forms: a payload with its signature under the subject's `.sig` tag, and a bundle among
 * its referrers. What the same signatory has signed already stays as it is. Rejects as the repository and the signatory do.
 */
export async function attachSignature(subject: Descriptor, signing: Signing): Promise<AttachOutcome> {
  const { repository, signatory, signedAs, signedAt, renews = false } = signing
  const own = { [SIGNED_BY_ANNOTATION]: signatory.name, [PAYLOAD]: signedAs }
  const there = await readTagged(repository, subject, 'sig')
  const others = there.filter((layer) => !hasAnnotations(layer, own))
  const isNew = renews || others.length === there.length
  if (isNew) {
    const bytes = formatImageSignature({ repository: signedAs, digest: subject.digest, signedAt })
    const { signature, annotations } = await signatory.signPayload(bytes)
    const encoded = Buffer.from(signature).toString('base64')
    const layer = layerDescriptor({
      mediaType: IMAGE_SIGNATURE_TYPE,
      bytes,
      annotations: { ...annotations, ...own, [SIGNATURE_ANNOTATION]: encoded },
    })
    await store(repository, [{ descriptor: layer, bytes }])
    await writeTagged(repository, { subject, kind: 'sig', layers: [...others, layer] })
  }
  const [bundled] = await attachStatements(subject, [{ predicateType: SIGN_PREDICATE, predicate: {} }], signing)
  return isNew ? 'attached' : (bundled ?? 'present')
}

/**
 * Signs statements about a manifest or index and attaches each in both forms: its envelope under the subject's `.att` tag,
 * in place of what the same signatory has said of the same type, and a bundle among its referrers. The same statement
 * again is not signed again. What is there is read once, and the tag written once, last. Gives an outcome for each, in order.
 * Rejects as the repository and the signatory do; then some bundles may be attached, and doing it again attaches the rest.
 */
export async function attachStatements(
  subject: Descriptor,
  statements: readonly NewEvidence[],
  signing: Signing,
): Promise<AttachOutcome[]> {
  const { repository } = signing
  const [tagged, referrers] = await Promise.all([
    readTagged(repository, subject, 'att'),
    repository.referrers(subject.digest),
  ])
  const bundles = referrers.filter(({ artifactType }) => artifactType === BUNDLE_TYPE)
  const drafts = statements.map((statement) => draftOf(subject, statement, signing))
  const wanted = drafts.map((draft) => ({
    draft,
    // An image's signature has a form of its own under a tag; it is a statement among the referrers only.
    isTagged: draft.predicateType !== SIGN_PREDICATE && !tagged.some((layer) => hasAnnotations(layer, draft.own)),
    isBundled: !bundles.some((bundle) => hasAnnotations(bundle, draft.own)),
  }))
  const missing = wanted.filter(({ isTagged, isBundled }) => isTagged || isBundled)
  const layers = new Map<Draft, Descriptor>()
  const manifests: ImageDocument[] = []
  await inParallel(TRANSFERS, missing, async ({ draft, isTagged, isBundled }) => {
    const { layer, bundle } = await signDraft(draft, subject, signing.signatory)
    if (isTagged) {
      await store(repository, [layer])
      layers.set(draft, layer.descriptor)
    }
    if (isBundled) {
      await store(repository, bundle.blobs)
      manifests.push(bundle.manifest)
    }
  })
  await inParallel(TRANSFERS, manifests, (manifest) => repository.putManifest(manifest, manifest.descriptor.digest))
  if (layers.size > 0) {
    const added = drafts.flatMap((draft) => layers.get(draft) ?? [])
    const all = added.reduce((kept, layer) => [...kept.filter((older) => !isReplacedBy(older, layer)), layer], tagged)
    await writeTagged(repository, { subject, kind: 'att', layers: all })
  }
  return wanted.map(({ isTagged, isBundled }) => (isTagged || isBundled ? 'attached' : 'present'))
}

/** A statement that may have to be signed. */
interface Draft {
  readonly predicateType: string
  readonly payload: Uint8Array
  /** What says whose and which it is, in both forms. */
  readonly own: Annotations
}

function draftOf(subject: Descriptor, { predicateType, predicate }: NewEvidence, signing: Signing): Draft {
  const subjects = [{ name: signing.signedAs, digest: subject.digest }]
  const payload = formatStatement({ subjects, predicateType, predicate })
  return {
    predicateType,
    payload,
    own: { [SIGNED_BY_ANNOTATION]: signing.signatory.name, [PAYLOAD]: digestOf(payload) },
  }
}

function hasAnnotations({ annotations }: Descriptor, own: Annotations): boolean {
  return Object.entries(own).every(([name, value]) => annotations?.[name] === value)
}

/** Signs a statement and makes of it the layer for the tag and the artifact for the referrers. */
async function signDraft({ predicateType, payload, own }: Draft, subject: Descriptor, signatory: Signatory) {
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

/** What is under a tag of the older form. */
async function readTagged(repository: Repository, subject: Descriptor, kind: TagKind): Promise<readonly Descriptor[]> {
  const tag = evidenceTag(subject.digest, kind)
  const found = await repository.readManifest(tag)
  return found === undefined ? [] : parseManifest(found.bytes, `${repository.name}:${tag}`).layers
}

async function writeTagged(
  repository: Repository,
  { subject, kind, layers }: { subject: Descriptor; kind: TagKind; layers: readonly Descriptor[] },
): Promise<void> {
  const { manifest, config } = composeTagged(layers)
  await store(repository, [config])
  await repository.putManifest(manifest, evidenceTag(subject.digest, kind))
}

async function store(repository: Repository, documents: readonly ImageDocument[]): Promise<void> {
  const blobs = memoryBlobs(documents)
  for (const { descriptor } of documents) await repository.ensureBlob(descriptor, blobs)
}
