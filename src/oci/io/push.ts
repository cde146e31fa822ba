import { type Digest, inParallel } from '#core'
import { isSmall } from '../content-requests.ts'
import type { Descriptor } from '../descriptor.ts'
import { OciError } from '../errors.ts'
import { documentsOf, type ImageDocument, type ImageSource, layersOf } from '../image-source.ts'
import { memoryBlobs } from '../memory-blobs.ts'
import { formatReference, type RegistryReference } from '../reference.ts'
import type { BlobOutcome } from '../repository.ts'
import { pushTogether } from './push-together.ts'
import { RegistryClient } from './registry-client.ts'
import type { RegistryOptions } from './registry-connection.ts'

const TRANSFERS = 4

/** What a push may know and tell. */
export interface PushOptions extends RegistryOptions {
  /** Repositories of the same registry that may have some of the layers, such as the base image's. */
  readonly mountFrom?: readonly string[]
  /** Blobs that the repository has, since a manifest in it names them: it is not asked for each. */
  readonly present?: ReadonlySet<Digest>
  /** Used instead of a client of its own, and left open: one that has spoken to the registry before need not ask how. */
  readonly client?: RegistryClient
  /** Told of every blob, when the registry has it. */
  readonly onBlob?: (blob: Descriptor, outcome: BlobOutcome) => void
}

/** What a push did: the digest that was pushed, and how many blobs and manifests took which way. */
export interface PushReport {
  readonly digest: Digest
  readonly blobs: Readonly<Record<BlobOutcome, number>>
  /** Bytes of the blobs that were uploaded. */
  readonly uploadedBytes: number
  /** Manifests that were stored, the tag's included. */
  readonly manifests: number
}

/**
 * Pushes an image: blobs that the registry lacks, then the manifests by digest, then the index, the tag last, so that a
 * push that breaks off shows nowhere; done again, it goes on. What the registry has is not sent. One of our registries gets
 * all that is small in one request, which names the rest, and in another what it then says that it lacks. Rejects with the codes
 * of `RegistryClient`, with those of the image's blobs, and with `IMAGE_UNKNOWN` for a digest that is not the image's.
 */
export async function pushImage(
  image: ImageSource,
  reference: RegistryReference,
  options: PushOptions = {},
): Promise<PushReport> {
  const { digest } = image.top.descriptor
  if (reference.digest !== undefined && reference.digest !== digest) {
    throw new OciError('IMAGE_UNKNOWN', `cannot push to ${formatReference(reference)}: the image's digest is ${digest}`)
  }
  const client = options.client ?? new RegistryClient(reference, options)
  try {
    const isSmallImage = documentsOf(image).every(({ descriptor }) => isSmall(descriptor))
    if (isSmallImage && (await client.takesContents())) {
      return await pushTogether(client, image, { ...options, tag: reference.tag })
    }
    const pushed = await pushBlobs(client, image, options)
    const manifests = await pushManifests(client, image, reference.tag)
    return { digest, ...pushed, manifests }
  } finally {
    if (options.client === undefined) await client.close()
  }
}

async function pushBlobs(client: RegistryClient, image: ImageSource, options: PushOptions) {
  const configs = image.images.map(({ config }) => config)
  const own = new Set(configs.map(({ descriptor }) => descriptor.digest))
  const source = memoryBlobs(configs, image.blobs)
  const blobs = { present: 0, mounted: 0, uploaded: 0 }
  let uploadedBytes = 0
  const wanted = [...layersOf(image.images), ...configs.map(({ descriptor }) => descriptor)]
  await inParallel(TRANSFERS, wanted, async (blob) => {
    const mountFrom = own.has(blob.digest) ? [] : options.mountFrom
    const isThere = options.present?.has(blob.digest) ?? false
    const outcome = isThere ? 'present' : await client.ensureBlob(blob, source, mountFrom)
    blobs[outcome]++
    if (outcome === 'uploaded') uploadedBytes += blob.size
    options.onBlob?.(blob, outcome)
  })
  return { blobs, uploadedBytes }
}

/** Stores what is missing and gives how many documents were sent. */
async function pushManifests(client: RegistryClient, image: ImageSource, tag: string | undefined): Promise<number> {
  let stored = 0
  const store = async (document: ImageDocument, reference: string) => {
    if ((await client.resolve(reference, 'push')) === document.descriptor.digest) return
    await client.putManifest(document, reference)
    stored++
  }
  const { top } = image
  const below = image.images.map(({ manifest }) => manifest).filter((manifest) => manifest !== top)
  await inParallel(TRANSFERS, below, (manifest) => store(manifest, manifest.descriptor.digest))
  await store(top, top.descriptor.digest)
  if (tag !== undefined) await store(top, tag)
  return stored
}
