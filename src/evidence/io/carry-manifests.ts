import { canonicalJson, digestOf, inParallel } from '#core'
import {
  type Descriptor,
  type ImageDocument,
  memoryBlobs,
  OciError,
  type PlacedManifest,
  parseManifest,
  RegistryClient,
  type Repository,
  storeContents,
} from '#oci'
import { composeTagged, isReplacedBy } from '../tag-form.ts'
import type { CopyPlan, Referrer, TaggedEvidence } from './copy-plan.ts'

const TRANSFERS = 4
/** How often tags are read anew that others have moved meanwhile. */
const ATTEMPTS = 4

/**
 * Brings the manifests of a copy to a repository that has all their blobs: the image's, what refers to it, what stands under tags
 * beside what the repository has there, and the tag last; our registries get all of it in one request. Gives how many were not there
 * before. Rejects as the repository does.
 */
export async function carryManifests(plan: CopyPlan, to: Repository, tag: string | undefined): Promise<number> {
  if (to instanceof RegistryClient && (await to.takesContents())) return await carryTogether(plan, to, tag)
  const carrier = new ManifestCarrier(to)
  for (const document of plan.documents) await carrier.carry(document, document.descriptor.digest)
  const bySubject = [...Map.groupBy(plan.referrers, ({ subject }) => subject).values()]
  await inParallel(TRANSFERS, bySubject, (referrers) => carrier.carryReferrers(referrers))
  await inParallel(TRANSFERS, plan.tagged, (evidence) => carrier.carryTagged(evidence))
  if (tag !== undefined) await carrier.carry(plan.top, tag)
  return carrier.stored
}

async function carryTogether(plan: CopyPlan, to: RegistryClient, tag: string | undefined): Promise<number> {
  const byDigest = (document: ImageDocument) => ({ document, reference: document.descriptor.digest })
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const blobs: ImageDocument[] = []
    const tagged: PlacedManifest[] = []
    await inParallel(TRANSFERS, plan.tagged, async (evidence) => {
      const merged = await mergedTag(evidence, to)
      if (merged.config !== undefined) blobs.push(merged.config)
      tagged.push({ document: merged.manifest, reference: evidence.tag, expected: merged.expected })
    })
    const manifests = [
      ...plan.documents.map((document) => [byDigest(document)]),
      ...[plan.referrers.map(({ document }) => byDigest(document)), tagged],
      tag === undefined ? [] : [{ document: plan.top, reference: tag }],
    ]
    const report = await storeContents([{ repository: to, contents: { blobs, manifests } }])
    if (report.missing.length > 0) {
      const digests = report.missing.map(({ digest }) => digest).join(', ')
      throw new OciError('REGISTRY_FAILED', `cannot copy to ${to.name}: the registry has lost ${digests} meanwhile`)
    }
    if (report.moved.length > 0) continue
    if (report.singly > 0) return manifests.flat().length
    const own = new Set<string>(manifests.flat().map(({ document }) => document.descriptor.digest))
    const isTagged = report.tagged.some((one) => one.tag === tag)
    return report.added.filter(({ digest }) => own.has(digest)).length + (isTagged ? 1 : 0)
  }
  const reason = `other clients changed what is attached ${ATTEMPTS} times meanwhile`
  throw new OciError('REGISTRY_FAILED', `cannot copy to ${to.name}: ${reason}`)
}

/** What a tag shall name, given what it names now. */
interface MergedTag {
  readonly manifest: ImageDocument
  /** The config of a manifest that was made here. */
  readonly config?: ImageDocument
  readonly expected: NonNullable<PlacedManifest['expected']>
}

/** Signatures or statements under their tag, beside those that are there and not replaced by one that comes. */
async function mergedTag({ tag, kind, document }: TaggedEvidence, to: Repository): Promise<MergedTag> {
  const found = await to.readManifest(tag)
  if (found === undefined) return { manifest: document, expected: 'none' }
  const expected = digestOf(found.bytes)
  if (kind === 'sbom') return { manifest: document, expected }
  const name = `${to.name}:${tag}`
  const there = parseManifest(found.bytes, name).layers
  const coming = parseManifest(document.bytes, name).layers
  const known = new Set(coming.map(identityOf))
  const others = there.filter(
    (layer) => !known.has(identityOf(layer)) && !coming.some((newer) => isReplacedBy(layer, newer)),
  )
  if (others.length === 0) return { manifest: document, expected }
  if (others.length + coming.length === there.length) {
    const { mediaType, bytes } = found
    return { manifest: { descriptor: { mediaType, digest: expected, size: bytes.length }, bytes }, expected }
  }
  return { ...composeTagged([...others, ...coming]), expected }
}

/** A signature is what stands beside the payload; several people sign the same one. */
function identityOf({ digest, annotations = {} }: Descriptor): string {
  return canonicalJson({ digest, annotations })
}

/** Brings manifests, one by one, to a repository that has not all of them. */
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

  async carryTagged(evidence: TaggedEvidence): Promise<void> {
    const { manifest, config, expected } = await mergedTag(evidence, this.#to)
    if (manifest.descriptor.digest === expected) return
    if (config !== undefined) await this.#to.ensureBlob(config.descriptor, memoryBlobs([config]))
    await this.#put(manifest, evidence.tag)
  }

  async #put(document: ImageDocument, reference: string): Promise<void> {
    await this.#to.putManifest(document, reference)
    this.stored++
  }
}
