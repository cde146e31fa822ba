import { type Digest, inParallel } from '#core'
import { readBlob } from '../blob-source.ts'
import { isSmall } from '../content-requests.ts'
import type { Descriptor } from '../descriptor.ts'
import { OciError } from '../errors.ts'
import { type ImageDocument, type ImageSource, layersOf } from '../image-source.ts'
import type { BlobOutcome } from '../repository.ts'
import type { PlacedManifest, RepositoryContents } from '../repository-contents.ts'
import type { PushOptions, PushReport } from './push.ts'
import type { RegistryClient } from './registry-client.ts'
import { type StoreReport, storeContents } from './store-contents.ts'

const TRANSFERS = 4

/**
 * Pushes an image to a registry that takes contents together: documents at once, with all layers named; then layers that it
 * lacks, small ones with the documents again, big ones by themselves. Rejects as `pushImage` does.
 */
export async function pushTogether(
  client: RegistryClient,
  image: ImageSource,
  options: PushOptions & { readonly tag: string | undefined },
): Promise<PushReport> {
  const layers = layersOf(image.images)
  const contents = contentsOf(image, options)
  const first = await storeContents([{ repository: client, contents }])
  const lacking = new Set(first.missing.map(({ digest }) => digest))
  const missing = layers.filter(({ digest }) => lacking.has(digest))
  const alone = missing.length === 0 ? new Map() : await uploadBig(client, image, missing)
  const report = missing.length === 0 ? first : await storeRest(client, image, { contents, missing })
  if (report.missing.length > 0) {
    const digests = report.missing.map(({ digest }) => digest).join(', ')
    throw new OciError('REGISTRY_FAILED', `cannot push to ${client.name}: the registry has lost ${digests} meanwhile`)
  }
  return reportOf(image, { report, alone, layers }, options)
}

function contentsOf(
  { images, top }: ImageSource,
  { mountFrom, tag }: PushOptions & { readonly tag: string | undefined },
): RepositoryContents {
  const byDigest = (document: ImageDocument): PlacedManifest => ({ document, reference: document.descriptor.digest })
  const below = images.map(({ manifest }) => manifest).filter((manifest) => manifest !== top)
  return {
    blobs: images.map(({ config }) => config),
    others: layersOf(images).map((blob) => ({ blob, ...(mountFrom === undefined ? {} : { from: mountFrom }) })),
    manifests: [below.map(byDigest), [byDigest(top)], tag === undefined ? [] : [{ document: top, reference: tag }]],
  }
}

/** Uploads what is too big to go along with others. */
async function uploadBig(
  client: RegistryClient,
  { blobs }: ImageSource,
  missing: readonly Descriptor[],
): Promise<Map<Digest, BlobOutcome>> {
  const outcomes = new Map<Digest, BlobOutcome>()
  await inParallel(
    TRANSFERS,
    missing.filter((blob) => !isSmall(blob)),
    async (blob) => {
      outcomes.set(blob.digest, await client.ensureBlob(blob, blobs))
    },
  )
  return outcomes
}

/** Sends the documents again, with the small layers that the registry lacks. */
async function storeRest(
  client: RegistryClient,
  { blobs }: ImageSource,
  { contents, missing }: { contents: RepositoryContents; missing: readonly Descriptor[] },
): Promise<StoreReport> {
  const small: ImageDocument[] = []
  for (const descriptor of missing.filter(isSmall)) {
    small.push({ descriptor, bytes: await readBlob(descriptor, blobs.open(descriptor.digest)) })
  }
  const whole = { ...contents, blobs: [...contents.blobs, ...small] }
  return await storeContents([{ repository: client, contents: whole }])
}

function reportOf(
  { top, images }: ImageSource,
  { report, alone, layers }: { report: StoreReport; alone: ReadonlyMap<Digest, BlobOutcome>; layers: Descriptor[] },
  options: PushOptions,
): PushReport {
  const [added, mounted] = [report.added, report.mounted].map((list) => new Set(list.map(({ digest }) => digest)))
  const blobs = { present: 0, mounted: 0, uploaded: 0 }
  let uploadedBytes = 0
  const configs = new Map(images.map(({ config: { descriptor } }) => [descriptor.digest, descriptor]))
  for (const blob of [...layers, ...configs.values()]) {
    const one = mounted?.has(blob.digest) ? 'mounted' : added?.has(blob.digest) ? 'uploaded' : 'present'
    const outcome = alone.get(blob.digest) ?? one
    blobs[outcome]++
    if (outcome === 'uploaded') uploadedBytes += blob.size
    options.onBlob?.(blob, outcome)
  }
  const manifests = new Set([top, ...images.map(({ manifest }) => manifest)].map(({ descriptor }) => descriptor.digest))
  const stored = [...manifests].filter((digest) => added?.has(digest)).length + report.tagged.length
  return { digest: top.descriptor.digest, blobs, uploadedBytes, manifests: stored }
}
