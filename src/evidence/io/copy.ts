import { canonicalJson, type Digest, digestOf, inParallel } from '#core'
import {
  type BlobOutcome,
  type BlobSource,
  type Descriptor,
  type ImageDocument,
  isIndexType,
  memoryBlobs,
  OciError,
  parseManifest,
  RegistryClient,
  type Repository,
} from '#oci'
import { composeTagged, isReplacedBy } from '../tag-form.ts'
import { type CopyPlan, kindOf, planCopy, type Referrer, type TaggedEvidence } from './copy-plan.ts'

/** How far a copy is; blobs that are there already count as done. */
export interface CopyProgress {
  readonly blobs: { readonly done: number; readonly all: number }
  readonly bytes: { readonly done: number; readonly all: number }
}

/** What a copy may know and tell. */
export interface CopyOptions {
  /** The tag that the image gets; none, and it is found by its digest only. */
  readonly tag?: string | undefined
  /** The digest that the image must have. */
  readonly digest?: Digest
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined
}

/** Signatures or statements in each of the two forms. */
export interface CarriedForms {
  /** Under tags made of the subject's digest. */
  readonly tagged: number
  /** As bundles among the referrers. */
  readonly bundled: number
}

/** What was carried: all that is at the destination now, and what of it had to be sent. */
export interface CopyReport {
  readonly digest: Digest
  /** Manifests of images, one a platform. */
  readonly images: number
  readonly signatures: CarriedForms
  readonly statements: CarriedForms
  /** Everything else that refers to the image, or to what is said about it. */
  readonly others: number
  readonly blobs: Readonly<Record<BlobOutcome, number>>
  /** Manifests that the destination did not have. */
  readonly manifests: number
  readonly bytes: number
  readonly uploadedBytes: number
}

const TRANSFERS = 4

/**
 * Copies an image, by tag or digest, with everything that is said about it, and that again. First all is found and verified;
 * then blobs go, manifests by digest, evidence, and the tag last: a copy that breaks off shows no tag, and done again it
 * sends what is missing. Signatures and statements that the destination has already stay beside those that come. Referrers
 * get the form that the destination has for them. Rejects as `planCopy` does, and as the repositories do.
 */
export async function copyWithEvidence(
  from: Repository,
  to: Repository,
  reference: string,
  options: CopyOptions = {},
): Promise<CopyReport> {
  const plan = await planCopy(from, reference)
  const { digest } = plan.top.descriptor
  if (options.digest !== undefined && options.digest !== digest) {
    throw new OciError('IMAGE_UNKNOWN', `cannot copy to ${to.name}@${options.digest}: the image's digest is ${digest}`)
  }
  const blobs = await carryBlobs(plan.blobs, { from, to }, options.onProgress)
  const manifests = new ManifestCarrier(to)
  for (const document of plan.documents) await manifests.carry(document, document.descriptor.digest)
  await inParallel(TRANSFERS, bySubject(plan.referrers), (referrers) => manifests.carryReferrers(referrers))
  await inParallel(TRANSFERS, plan.tagged, (evidence) => manifests.carryTagged(evidence))
  if (options.tag !== undefined) await manifests.carry(plan.top, options.tag)
  return { ...countsOf(plan), ...blobs, manifests: manifests.stored }
}

async function carryBlobs(
  blobs: readonly Descriptor[],
  { from, to }: { from: Repository; to: Repository },
  onProgress: CopyOptions['onProgress'],
) {
  const ensure = transferBetween(from, to)
  const outcomes = { present: 0, mounted: 0, uploaded: 0 }
  const all = sizeOf(blobs)
  let uploadedBytes = 0
  let done = 0
  /** Bytes of blobs that are under way. */
  const moving = new Map<Digest, number>()
  const tell = () => {
    const count = Object.values(outcomes).reduce((sum, one) => sum + one, 0)
    const bytes = [...moving.values()].reduce((sum, one) => sum + one, done)
    onProgress?.({ blobs: { done: count, all: blobs.length }, bytes: { done: bytes, all } })
  }
  const source: BlobSource = {
    async *open(digest, start = 0) {
      let position = start
      for await (const chunk of from.blobs().open(digest, start)) {
        position += chunk.length
        moving.set(digest, position)
        tell()
        yield chunk
      }
    },
  }
  await inParallel(TRANSFERS, blobs, async (blob) => {
    const outcome = await ensure(blob, source)
    outcomes[outcome]++
    moving.delete(blob.digest)
    done += blob.size
    if (outcome === 'uploaded') uploadedBytes += blob.size
    tell()
  })
  return { blobs: outcomes, uploadedBytes }
}

/** How blobs get from one repository to another: within one registry it takes them over itself. */
function transferBetween(
  from: Repository,
  to: Repository,
): (blob: Descriptor, source: BlobSource) => Promise<BlobOutcome> {
  const isOneRegistry = from instanceof RegistryClient && to instanceof RegistryClient && from.registry === to.registry
  if (!isOneRegistry) return (blob, source) => to.ensureBlob(blob, source)
  return (blob, source) => to.ensureBlob(blob, source, [from.repository])
}

/** Brings manifests to a repository that has not all of them. */
class ManifestCarrier {
  readonly #to: Repository
  stored = 0

  constructor(to: Repository) {
    this.#to = to
  }

  /** Stores a document under a tag or its digest, unless it is there. */
  async carry(document: ImageDocument, reference: string): Promise<void> {
    const found = await this.#to.readManifest(reference)
    if (found !== undefined && digestOf(found.bytes) === document.descriptor.digest) return
    await this.#put(document, reference)
  }

  /** Stores what refers to one subject together, so that a registry makes it durable, or writes its index, for several at once. */
  async carryReferrers(referrers: readonly Referrer[]): Promise<void> {
    const [first] = referrers
    if (first === undefined) return
    const known = new Set((await this.#to.referrers(first.subject)).map(({ digest }) => digest))
    const missing = referrers.filter(({ document }) => !known.has(document.descriptor.digest))
    await inParallel(TRANSFERS, missing, ({ document }) => this.#put(document, document.descriptor.digest))
  }

  /** Stores signatures or statements under their tag, beside those that are there and not replaced by one that comes. */
  async carryTagged({ tag, kind, document }: TaggedEvidence): Promise<void> {
    const found = await this.#to.readManifest(tag)
    if (found === undefined || kind === 'sbom') return this.carry(document, tag)
    const name = `${this.#to.name}:${tag}`
    const there = parseManifest(found.bytes, name).layers
    const coming = parseManifest(document.bytes, name).layers
    const known = new Set(coming.map(identityOf))
    const others = there.filter(
      (layer) => !known.has(identityOf(layer)) && !coming.some((newer) => isReplacedBy(layer, newer)),
    )
    if (others.length === 0) return this.carry(document, tag)
    if (others.length + coming.length === there.length) return
    const { manifest, config } = composeTagged([...others, ...coming])
    await this.#to.ensureBlob(config.descriptor, memoryBlobs([config]))
    await this.#put(manifest, tag)
  }

  async #put(document: ImageDocument, reference: string): Promise<void> {
    await this.#to.putManifest(document, reference)
    this.stored++
  }
}

/** A signature is what stands beside the payload; several people sign the same one. */
function identityOf({ digest, annotations = {} }: Descriptor): string {
  return canonicalJson({ digest, annotations })
}

/** The referrers of each subject together, subjects in the order in which they were found. */
function bySubject(referrers: readonly Referrer[]): Referrer[][] {
  return [...Map.groupBy(referrers, ({ subject }) => subject).values()]
}

function countsOf({ top, documents, referrers, tagged, blobs }: CopyPlan) {
  const underTags = (kind: TaggedEvidence['kind']) => {
    const manifests = tagged.filter((one) => one.kind === kind)
    return manifests.reduce((sum, { document }) => sum + parseManifest(document.bytes).layers.length, 0)
  }
  const bundles = (kind: ReturnType<typeof kindOf>) =>
    referrers.filter(({ document }) => kindOf(document) === kind).length
  const manifests = [
    ...documents,
    ...referrers.map(({ document }) => document),
    ...tagged.map(({ document }) => document),
  ]
  const unique = new Map(manifests.map(({ descriptor }) => [descriptor.digest, descriptor]))
  return {
    digest: top.descriptor.digest,
    images: documents.filter(({ descriptor }) => !isIndexType(descriptor.mediaType)).length,
    signatures: { tagged: underTags('sig'), bundled: bundles('signature') },
    statements: { tagged: underTags('att'), bundled: bundles('statement') },
    others: bundles('other') + underTags('sbom'),
    bytes: sizeOf([...unique.values()]) + sizeOf(blobs),
  }
}

function sizeOf(descriptors: readonly Descriptor[]): number {
  return descriptors.reduce((sum, { size }) => sum + size, 0)
}
