import { canonicalJson, type Json } from '#core'
import {
  type Descriptor,
  describe,
  type HistoryEntry,
  type Layer,
  MEDIA_TYPES,
  type OpenedImage,
  type PlatformImage,
} from '#oci'

/** How the history of an image tells the layer of a patch. */
const CREATED_BY = 'casemate patch'

/** Docker's own name for a gzip layer: its manifests list no others. */
const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip'

type Patchable = Pick<OpenedImage, 'config' | 'layers'>

/** Whether the topmost layer of an image is that of an earlier patch. */
export function isPatched({ config, layers }: Patchable): boolean {
  const history = (config.history ?? []).filter(({ empty_layer: isEmpty }) => isEmpty !== true)
  return history.length === layers.length && history.at(-1)?.created_by === CREATED_BY
}

/** The type of the layer that a patch adds: as the manifest's own layers are named. */
export function patchLayerType({ manifest }: Pick<OpenedImage, 'manifest'>): string {
  return manifest.mediaType === MEDIA_TYPES.manifest ? MEDIA_TYPES.layerGzip : DOCKER_LAYER
}

/** What a patched image is made of. */
export interface PatchedImageInput {
  readonly image: OpenedImage
  readonly layer: Layer
  /** What became newer, in words. */
  readonly comment: string
  /** The newest time in the newer packages, in seconds since the epoch. */
  readonly epoch: number
}

/**
 * Makes the patched image's documents: the layer takes the place of an earlier patch's, or stands on top. All else of config and
 * manifest stays, members that no specification knows among it; `created` is the newest time in it, never now. The same input
 * gives the same bytes.
 */
export function composePatched({ image, layer, comment, epoch }: PatchedImageInput): PlatformImage {
  const kept = isPatched(image) ? image.layers.slice(0, -1) : image.layers
  const layers = [...kept.map(({ descriptor, diffId }) => ({ descriptor, diffId })), layer]
  const before = Math.floor(Date.parse(image.config.created ?? '1970-01-01T00:00:00Z') / 1000)
  const created = new Date(Math.max(epoch, before) * 1000).toISOString().replace('.000Z', 'Z')
  const entry: HistoryEntry = { created, created_by: CREATED_BY, comment }
  const config = changed(image.configDocument.bytes, {
    created,
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    ...(image.config.history === undefined ? {} : { history: historyOf(image, entry) }),
  })
  const configDescriptor = describe(image.manifest.config.mediaType, config)
  const manifest = changed(image.manifestDocument.bytes, {
    config: descriptorJson(configDescriptor),
    layers: [...listOf(image.manifestDocument.bytes, 'layers').slice(0, kept.length), descriptorJson(layer.descriptor)],
  })
  const { platform } = image.config
  return {
    platform,
    manifest: { descriptor: { ...describe(image.manifest.mediaType, manifest), platform }, bytes: manifest },
    config: { descriptor: configDescriptor, bytes: config },
    layers,
  }
}

function historyOf(image: OpenedImage, entry: HistoryEntry): Json[] {
  const history = listOf(image.configDocument.bytes, 'history')
  const last = isPatched(image)
    ? (image.config.history ?? []).findLastIndex(({ created_by: by }) => by === CREATED_BY)
    : history.length
  return [...history.filter((_, at) => at !== last), { ...entry }]
}

/** A document with some of its members put in place of what they were. It was read before, so it is an object. */
function changed(bytes: Uint8Array, members: Readonly<Record<string, Json>>): Uint8Array {
  return new TextEncoder().encode(canonicalJson({ ...JSON.parse(Buffer.from(bytes).toString('utf8')), ...members }))
}

function listOf(bytes: Uint8Array, member: string): Json[] {
  return JSON.parse(Buffer.from(bytes).toString('utf8'))[member] ?? []
}

function descriptorJson({ mediaType, digest, size }: Descriptor): Json {
  return { mediaType, digest, size }
}
