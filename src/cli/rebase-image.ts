import type { Digest } from '#core'
import { compressStream, prepareCodec } from '#image'
import {
  type BlobSource,
  formatPlatform,
  type ImageDocument,
  layerBlobs,
  memoryBlobs,
  type OpenedImage,
  type OpenedLayer,
  type Platform,
  type PlatformImage,
  parseReference,
  type RegistryReference,
} from '#oci'
import { composeRebased, planRebase, type RebasedImage, type RebaseSummary, type Refusal } from '#rebase'
import { type ImagePlaces, type NamedImage, statedReference } from './base-images.ts'
import type { ListingMemory } from './listing-memory.ts'

/** What is asked of every platform. */
export interface RebaseOrder {
  /** The base that the image was made on; where it is absent, the one that the image says. */
  readonly base?: string
  readonly onto: string
  readonly allowOlder: boolean
  /** The reference by which registries know the new base. */
  readonly baseName?: string
}

/** The answer for one platform. */
export interface PlatformAnswer {
  readonly platform: string
  /** Every reason; none where it is possible. */
  readonly refusals: readonly Refusal[]
  readonly summary?: RebaseSummary
  /** Absent where it is refused. */
  readonly result?: ComposedPlatform
  /** Whether it is on that very base already. */
  readonly isThere?: boolean
}

/** An image that can be written. */
export interface ComposedPlatform {
  readonly image: PlatformImage
  /** What its layers come from: of the images that were opened, and made here. */
  readonly layers: readonly OpenedLayer[]
  readonly held: readonly ImageDocument[]
  /** The top of the new base: what its reference names. */
  readonly baseDigest: Digest
}

/** What rebases share. */
export interface RebaseTools {
  readonly places: ImagePlaces
  readonly memory: ListingMemory
}

/**
 * Rebases the image of one platform; the result can be written while `places` is open. Rejects as opening and reading images
 * and `planRebase` do.
 */
export async function rebasePlatform(
  application: NamedImage,
  order: RebaseOrder,
  { places, memory }: RebaseTools,
): Promise<PlatformAnswer> {
  const { platform } = application.image.config
  const title = formatPlatform(platform)
  const oldName = order.base ?? statedReference(application, [application.name, order.onto])
  const [old, next] = await Promise.all([places.openBase(oldName, platform), places.openBase(order.onto, platform)])
  if (!('image' in old)) return { platform: title, refusals: [otherPlatforms(oldName, title, old.platforms)] }
  if (!('image' in next)) return { platform: title, refusals: [otherPlatforms(order.onto, title, next.platforms)] }
  const plan = planRebase({
    application: { ...application, own: await ownListings(application.image, old.image, memory) },
    old: { ...old, facts: await memory.factsOf(old.image) },
    next: { ...next, facts: await memory.factsOf(next.image) },
    allowOlder: order.allowOlder,
    ...(order.baseName === undefined ? {} : { baseName: order.baseName }),
  })
  const { summary } = plan
  if (plan.kind === 'refused') return { platform: title, refusals: plan.refusals, ...(summary ? { summary } : {}) }
  const layers = [...application.image.layers, ...next.image.layers]
  const result = await compose(plan.result, { platform, layers, baseDigest: next.image.top.descriptor.digest })
  const isThere = old.image.manifestDocument.descriptor.digest === next.image.manifestDocument.descriptor.digest
  return { platform: title, refusals: [], ...(summary ? { summary } : {}), result, isThere }
}

/** Nothing where the image is not on that base: it is refused for that, whatever it holds. */
async function ownListings(application: OpenedImage, old: OpenedImage, memory: ListingMemory) {
  const isOnBase = old.layers.every(({ diffId }, index) => application.layers[index]?.diffId === diffId)
  return isOnBase ? memory.listingsOf(application.layers.slice(old.layers.length)) : []
}

function otherPlatforms(base: string, wanted: string, platforms: readonly Platform[]): Refusal {
  return {
    code: 'platform-differs',
    subject: base,
    application: `is for ${wanted}`,
    base: `has only ${platforms.map(formatPlatform).join(', ')}`,
    remedy: 'name a base that has the platform',
  }
}

async function compose(
  plan: RebasedImage,
  {
    platform,
    layers,
    baseDigest,
  }: Pick<PlatformImage, 'platform'> & {
    readonly layers: readonly OpenedLayer[]
    readonly baseDigest: Digest
  },
): Promise<ComposedPlatform> {
  if (plan.status !== undefined) await prepareCodec('gzip')
  const { image, added } = composeRebased({ ...plan, platform }, (tar) => Buffer.concat(compressStream('gzip', tar)))
  const held = added === undefined ? [] : [{ descriptor: added.layer.descriptor, bytes: added.bytes }]
  return { image, layers, held, baseDigest }
}

/** What pushing a result to a repository need not ask: blobs of the application's image, where that is in the same one. */
export function knownBlobs(applications: readonly NamedImage[], to: RegistryReference): ReadonlySet<Digest> {
  const images = applications.filter(({ name }) => {
    const from = parseReference(name)
    return from.transport === 'docker' && from.registry === to.registry && from.repository === to.repository
  })
  return new Set(images.flatMap(({ image }) => image.layers.map(({ descriptor }) => descriptor.digest)))
}

/** The layers of all platforms as one source of blobs. */
export function blobsOf(platforms: readonly ComposedPlatform[]): BlobSource {
  return memoryBlobs(
    platforms.flatMap(({ held }) => held),
    layerBlobs(platforms.flatMap(({ layers }) => layers)),
  )
}
