import type { Digest } from '#core'
import { type BlobOutcome, type Descriptor, isIndexType, OciError, parseManifest, type Repository } from '#oci'
import { type CopyProgress, carryBlobs } from './carry-blobs.ts'
import { carryManifests } from './carry-manifests.ts'
import { type CopyPlan, kindOf, planCopy, type TaggedEvidence } from './copy-plan.ts'

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
  const carried = await carryBlobs(plan.blobs, { from, to }, options.onProgress)
  const manifests = await carryManifests(plan, to, options.tag)
  const { blobs, uploadedBytes } = carried
  return { ...countsOf(plan), blobs: { ...blobs }, uploadedBytes, manifests }
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
