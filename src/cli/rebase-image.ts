import { type Digest, inParallel } from '#core'
import { compressStream, prepareCodec } from '#image'
import { type BlobSource, formatPlatform, type OpenedLayer, type PlatformImage } from '#oci'
import {
  composeRebased,
  type LayerListing,
  type ListedImage,
  planRebase,
  type RebasedImage,
  type RebaseSummary,
  type Refusal,
} from '#rebase'
import { type NamedImage, openBase, platformName, statedReference } from './base-images.ts'
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
  /** Absent where it is refused, or where there is nothing to do. */
  readonly result?: ComposedPlatform
}

/** An image that can be written. */
export interface ComposedPlatform {
  readonly image: PlatformImage
  /** Where each of its layers comes from. */
  readonly layers: ReadonlyMap<Digest, () => AsyncIterable<Uint8Array>>
  /** The top of the new base: what its reference names. */
  readonly baseDigest: Digest
}

/**
 * Rebases the image of one platform. Bases that it opens are put into `opened`, for the caller to close once the result is
 * written. Rejects as opening and reading images and `planRebase` do.
 */
export async function rebasePlatform(
  application: NamedImage,
  order: RebaseOrder,
  { memory, opened }: { readonly memory: ListingMemory; readonly opened: NamedImage[] },
): Promise<PlatformAnswer> {
  const { platform } = application.image.config
  const title = platformName(application.image)
  const bases: NamedImage[] = []
  for (const name of [order.base ?? statedReference(application), order.onto]) {
    const found = await openBase(name, platform)
    if (!('image' in found)) {
      const base = `has only ${found.platforms.map(formatPlatform).join(', ')}`
      const sides = { application: `is for ${title}`, base, remedy: 'name a base that has the platform' }
      return { platform: title, refusals: [{ code: 'platform-differs', subject: name, ...sides }] }
    }
    opened.push(found)
    bases.push(found)
  }
  const [old, next] = bases
  if (old === undefined || next === undefined) throw new Error('cannot rebase: a base was not opened')
  const listed = await listAll([application, old, next], memory)
  const plan = planRebase({
    ...listed,
    allowOlder: order.allowOlder,
    ...(order.baseName === undefined ? {} : { baseName: order.baseName }),
  })
  const { summary } = plan
  if (plan.kind === 'refused') return { platform: title, refusals: plan.refusals, ...(summary ? { summary } : {}) }
  const layers = [...application.image.layers, ...next.image.layers]
  const result = await compose(plan.result, { platform, layers, baseDigest: next.image.top.descriptor.digest })
  return { platform: title, refusals: [], ...(summary ? { summary } : {}), result }
}

/** Layers that several of the images have are listed once; those of the old base are the application's lowest. */
async function listAll(images: readonly [NamedImage, NamedImage, NamedImage], memory: ListingMemory) {
  const layers = new Map<Digest, OpenedLayer>()
  for (const { image } of [...images].reverse()) for (const layer of image.layers) layers.set(layer.diffId, layer)
  const listings = new Map<string, LayerListing>()
  await inParallel(2, [...layers.values()], async (layer) => {
    listings.set(layer.diffId, await memory.listingOf(layer))
  })
  const [application, old, next] = images.map(({ name, image }): ListedImage => ({ name, image, listings }))
  if (application === undefined || old === undefined || next === undefined) throw new Error('cannot rebase: want three')
  return { application, old, next }
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
  const sources = new Map<Digest, () => AsyncIterable<Uint8Array>>()
  for (const layer of layers) sources.set(layer.descriptor.digest, () => layer.open())
  if (added !== undefined) sources.set(added.layer.descriptor.digest, () => once(added.bytes))
  return { image, layers: sources, baseDigest }
}

/** The layers of all platforms as one source of blobs. */
export function blobsOf(platforms: readonly ComposedPlatform[]): BlobSource {
  const sources = new Map(platforms.flatMap(({ layers }) => [...layers]))
  return {
    async *open(digest, start = 0) {
      const open = sources.get(digest)
      if (open === undefined) throw new Error(`cannot open blob ${digest}: the rebase has none`)
      let skip = start
      for await (const chunk of open()) {
        if (skip < chunk.length) yield chunk.subarray(skip)
        skip = Math.max(0, skip - chunk.length)
      }
    },
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
