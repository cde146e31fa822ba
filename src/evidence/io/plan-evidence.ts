import { BUNDLE_TYPE, formatImageSignature, IMAGE_SIGNATURE_TYPE, SIGN_PREDICATE, type Signatory } from '#attest'
import { type Digest, digestOf, inParallel } from '#core'
import {
  CONTENTS_LIMITS,
  type Descriptor,
  type ImageDocument,
  memoryBlobs,
  type PlacedManifest,
  parseManifest,
  type Repository,
  type RepositoryContents,
} from '#oci'
import { type Draft, draftOf, hasAnnotations, type NewEvidence, PAYLOAD_ANNOTATION, signDraft } from '../draft.ts'
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
  /**
   * Nothing is known to be attached yet, as to an image that has just been made: where the registry can refuse to move a tag that is
   * there all the same, nothing is read.
   */
  readonly isFresh?: boolean
}

/** What is to be said of one manifest or index. */
export interface SubjectEvidence {
  readonly subject: Descriptor
  readonly statements: readonly NewEvidence[]
  /** Whether the image itself is signed, too. */
  readonly isSigned: boolean
  readonly signing: Signing
}

/** Whether something new was attached, or the same was there already. */
export type AttachOutcome = 'attached' | 'present'

/** What was attached to one manifest; an outcome for each statement, in their order. */
export interface AttachReport {
  readonly statements: readonly AttachOutcome[]
  /** None where the image was not to be signed. */
  readonly signature?: AttachOutcome
}

/** Evidence that is signed and not stored yet. */
export interface PlannedEvidence {
  readonly contents: RepositoryContents
  readonly report: AttachReport
}

/** How many statements are signed at a time. */
const SIGNERS = 4

/** What is under a tag of the older form, as it was read. */
interface Tagged {
  readonly layers: readonly Descriptor[]
  readonly expected: Digest | 'none'
}

/** What is attached to a subject. */
interface Attached {
  readonly sig: Tagged
  readonly att: Tagged
  readonly bundles: readonly Descriptor[]
}

const NOTHING: Attached = {
  sig: { layers: [], expected: 'none' },
  att: { layers: [], expected: 'none' },
  bundles: [],
}

/**
 * Looks for what is attached already, and signs what is not. Everything that is to be stored stands in the result, but blobs that are
 * too big to go along with others, which are stored at once. Rejects as the repository and the signatory do.
 */
export async function planEvidence(evidence: SubjectEvidence): Promise<PlannedEvidence> {
  const { subject, statements, isSigned, signing } = evidence
  const attached = signing.isFresh === true ? NOTHING : await readAttached(evidence)
  const said = isSigned ? [{ predicateType: SIGN_PREDICATE, predicate: {} }, ...statements] : statements
  const wanted = said.map((statement) => wantedOf(draftOf(subject, statement, signing), attached))
  const collected = new Collected(signing.repository)
  const isNew = isSigned && (await addSignature(collected, evidence, attached))
  await addStatements(collected, evidence, { wanted, attached })
  const outcomes = wanted.map(({ isTagged, isBundled }) => (isTagged || isBundled ? 'attached' : 'present'))
  if (!isSigned) return { contents: collected.contents(), report: { statements: outcomes } }
  const [bundled = 'present', ...others] = outcomes
  return {
    contents: collected.contents(),
    report: { signature: isNew ? 'attached' : bundled, statements: others },
  }
}

async function readAttached({ subject, statements, isSigned, signing }: SubjectEvidence): Promise<Attached> {
  const { repository } = signing
  const [sig, att, referrers] = await Promise.all([
    isSigned ? readTagged(repository, subject, 'sig') : NOTHING.sig,
    statements.length > 0 ? readTagged(repository, subject, 'att') : NOTHING.att,
    repository.referrers(subject.digest),
  ])
  return { sig, att, bundles: referrers.filter(({ artifactType }) => artifactType === BUNDLE_TYPE) }
}

/** What is under a tag of the older form. */
async function readTagged(repository: Repository, subject: Descriptor, kind: TagKind): Promise<Tagged> {
  const tag = evidenceTag(subject.digest, kind)
  const found = await repository.readManifest(tag)
  if (found === undefined) return { layers: [], expected: 'none' }
  return { layers: parseManifest(found.bytes, `${repository.name}:${tag}`).layers, expected: digestOf(found.bytes) }
}

/** A statement, and in which forms it is not there yet. */
interface Wanted {
  readonly draft: Draft
  readonly isTagged: boolean
  readonly isBundled: boolean
}

function wantedOf(draft: Draft, { att, bundles }: Attached): Wanted {
  return {
    draft,
    // An image's signature has a form of its own under a tag; it is a statement among the referrers only.
    isTagged: draft.predicateType !== SIGN_PREDICATE && !att.layers.some((layer) => hasAnnotations(layer, draft.own)),
    isBundled: !bundles.some((bundle) => hasAnnotations(bundle, draft.own)),
  }
}

/** Signs the image for the older form, unless the same signatory has done it; tells whether it did. */
async function addSignature(
  collected: Collected,
  { subject, signing }: SubjectEvidence,
  { sig }: Attached,
): Promise<boolean> {
  const { signatory, signedAs, signedAt, renews = false } = signing
  const own = { [SIGNED_BY_ANNOTATION]: signatory.name, [PAYLOAD_ANNOTATION]: signedAs }
  const others = sig.layers.filter((layer) => !hasAnnotations(layer, own))
  if (!renews && others.length < sig.layers.length) return false
  const bytes = formatImageSignature({ repository: signedAs, digest: subject.digest, signedAt })
  const { signature, annotations } = await signatory.signPayload(bytes)
  const encoded = Buffer.from(signature).toString('base64')
  const descriptor = layerDescriptor({
    mediaType: IMAGE_SIGNATURE_TYPE,
    bytes,
    annotations: { ...annotations, ...own, [SIGNATURE_ANNOTATION]: encoded },
  })
  await collected.addBlobs([{ descriptor, bytes }])
  await collected.addTag(evidenceTag(subject.digest, 'sig'), [...others, descriptor], sig.expected)
  return true
}

async function addStatements(
  collected: Collected,
  { subject, signing }: SubjectEvidence,
  { wanted, attached }: { wanted: readonly Wanted[]; attached: Attached },
): Promise<void> {
  const layers = new Map<Draft, Descriptor>()
  const missing = wanted.filter(({ isTagged, isBundled }) => isTagged || isBundled)
  await inParallel(SIGNERS, missing, async ({ draft, isTagged, isBundled }) => {
    const { layer, bundle } = await signDraft(draft, subject, signing.signatory)
    if (isTagged) {
      await collected.addBlobs([layer])
      layers.set(draft, layer.descriptor)
    }
    if (isBundled) {
      await collected.addBlobs(bundle.blobs)
      collected.bundles.push({ document: bundle.manifest, reference: bundle.manifest.descriptor.digest })
    }
  })
  if (layers.size === 0) return
  const { att } = attached
  const added = wanted.flatMap(({ draft }) => layers.get(draft) ?? [])
  const all = added.reduce((kept, layer) => [...kept.filter((older) => !isReplacedBy(older, layer)), layer], att.layers)
  await collected.addTag(evidenceTag(subject.digest, 'att'), all, att.expected)
}

/** Contents for one repository while they come together. */
class Collected {
  readonly bundles: PlacedManifest[] = []
  readonly #repository: Repository
  readonly #blobs = new Map<Digest, ImageDocument>()
  readonly #tags: PlacedManifest[] = []

  constructor(repository: Repository) {
    this.#repository = repository
  }

  /** Big blobs are stored at once, so that they need not stay in memory. */
  async addBlobs(blobs: readonly ImageDocument[]): Promise<void> {
    for (const blob of blobs) {
      if (blob.bytes.length <= CONTENTS_LIMITS.content) this.#blobs.set(blob.descriptor.digest, blob)
      else await this.#repository.ensureBlob(blob.descriptor, memoryBlobs([blob]))
    }
  }

  async addTag(tag: string, layers: readonly Descriptor[], expected: Digest | 'none'): Promise<void> {
    const { manifest, config } = composeTagged(layers)
    await this.addBlobs([config])
    this.#tags.push({ document: manifest, reference: tag, expected })
  }

  /** The tags last: what is under them is there before. */
  contents(): RepositoryContents {
    return { blobs: [...this.#blobs.values()], manifests: [this.bundles, this.#tags] }
  }
}
