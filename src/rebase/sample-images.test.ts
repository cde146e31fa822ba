import { gzipSync } from 'node:zlib'
import { type Digest, digestOf } from '#core'
import {
  composeImage,
  composeIndex,
  type ExecutionParameters,
  type HistoryEntry,
  MEDIA_TYPES,
  type OpenedImage,
  openSource,
  parsePlatform,
} from '#oci'
import { sampleElf, type TarItem, tarOf } from '#testkit'
import { BaseFacts } from './base-facts.ts'
import { composeRebased } from './compose-rebased.ts'
import { ImageTree } from './image-tree.ts'
import { type LayerListing, readLayerListing } from './layer-listing.ts'
import {
  type ListedApplication,
  type ListedBase,
  planRebase,
  type RebasePlan,
  type RebaseRequest,
} from './plan-rebase.ts'

/** An image to be made: entries of each layer, lowest first, and its config. */
export interface SampleImage {
  readonly layers: readonly (readonly TarItem[])[]
  readonly config?: ExecutionParameters
  readonly created?: string
  readonly platform?: string
  readonly history?: readonly HistoryEntry[]
  readonly annotations?: Readonly<Record<string, string>>
}

/** Makes an image and reads what its layers hold. */
export async function listedImage(name: string, sample: SampleImage): Promise<ListedBase & ListedApplication> {
  const {
    layers,
    config = {},
    created = '2026-01-01T00:00:00Z',
    platform = 'linux/amd64',
    history,
    annotations,
  } = sample
  const blobs = new Map<Digest, Uint8Array>()
  const made = layers.map((items) => {
    const tar = tarOf(...items)
    const bytes = gzipSync(tar)
    blobs.set(digestOf(bytes), bytes)
    return {
      descriptor: { mediaType: MEDIA_TYPES.layerGzip, digest: digestOf(bytes), size: bytes.length },
      diffId: digestOf(tar),
    }
  })
  const image = composeImage({
    config: { platform: parsePlatform(platform), config, created, ...(history ? { history } : {}) },
    layers: made,
    ...(annotations ? { annotations } : {}),
  })
  const source = {
    async *open(digest: Digest) {
      yield blobs.get(digest) ?? Buffer.alloc(0)
    },
  }
  const opened = await openSource(composeIndex([image], source), { name, platform: undefined })
  const listings = await listingsOf(opened)
  return { name, image: opened, facts: new BaseFacts(listings), own: listings.slice(1) }
}

/** A base before and after a change, and an application that was made on it before. */
export interface Scene {
  readonly old: readonly TarItem[]
  readonly next: readonly TarItem[]
  /** Entries of its one layer. */
  readonly own: readonly TarItem[]
  readonly config?: Partial<Record<'old' | 'application' | 'next', ExecutionParameters>>
  readonly allowOlder?: boolean
}

/** What a base of the tests has anyway: a loader, a C library, accounts. */
export const COMMON: readonly TarItem[] = [
  { path: 'etc/', type: 'directory' },
  { path: 'etc/passwd', content: 'root:x:0:0::/root:/x\napp:x:1000:1000::/:/x\n' },
  { path: 'usr/lib/ld.so', content: sampleElf({ soname: 'ld.so' }), mode: 0o755 },
  {
    path: 'usr/lib/libc.so.6',
    content: sampleElf({ soname: 'libc.so.6', versionsDefined: ['GLIBC_2.36', 'GLIBC_2.38'] }),
  },
]

/** Makes the three images of a scene. */
export async function requestOf({ old, next, own, config = {}, allowOlder = false }: Scene): Promise<RebaseRequest> {
  const base = config.old ?? {}
  return {
    application: await listedImage('app', { layers: [[...COMMON, ...old], own], config: config.application ?? base }),
    old: await listedImage('old', { layers: [[...COMMON, ...old]], config: base }),
    next: await listedImage('new', {
      layers: [[...COMMON, ...next]],
      config: config.next ?? base,
      created: '2026-02-01T00:00:00Z',
    }),
    allowOlder,
  }
}

/** The answer for a scene. */
export async function planOf(scene: Scene): Promise<RebasePlan> {
  return planRebase(await requestOf(scene))
}

/** Whatever a rebase would write, as paths with what they are; times left out. Throws for a refusal. */
export async function rebasedTree(
  request: RebaseRequest,
): Promise<{ tree: ReadonlyMap<string, string>; config: ExecutionParameters }> {
  const plan = planRebase(request)
  if (plan.kind === 'refused') throw new Error(JSON.stringify(plan.refusals, null, 1))
  const { application, next } = request
  const composed = composeRebased({ ...plan.result, platform: application.image.config.platform }, (tar) =>
    gzipSync(tar),
  )
  const opened = await openSource(
    composeIndex([composed.image], {
      async *open(digest) {
        if (digest === composed.added?.layer.descriptor.digest) yield composed.added.bytes
        const layer = [...application.image.layers, ...next.image.layers].find(
          (one) => one.descriptor.digest === digest,
        )
        if (layer !== undefined) yield* layer.open()
      },
    }),
    { name: 'rebased', platform: undefined },
  )
  return { tree: treeOf(ImageTree.of(await listingsOf(opened))), config: opened.config.config }
}

/** What an image shows, times left out. */
export function treeOf({ files }: ImageTree): ReadonlyMap<string, string> {
  const lines = [...files.entries()].map(({ path, type, mode, uid, gid, target, digest }): [string, string] => [
    path,
    `${type} ${mode.toString(8)} ${uid}:${gid} ${target}${digest ?? ''}`,
  ])
  return new Map(lines.sort(([left], [right]) => (left < right ? -1 : 1)))
}

async function listingsOf({ layers }: Pick<OpenedImage, 'layers'>): Promise<readonly LayerListing[]> {
  const listings: LayerListing[] = []
  for (const layer of layers) listings.push(await readLayerListing(layer))
  return listings
}
