import { digestOf, encodeTarEntry, TAR_END, tarPadding } from '#core'
import {
  ANNOTATIONS,
  type Descriptor,
  describe,
  formatManifest,
  type Layer,
  MEDIA_TYPES,
  type PlatformImage,
} from '#oci'
import { finishConfig } from './merge-config.ts'
import type { MergedStatus, RebasedImage } from './plan-rebase.ts'

/** A rebased image, and the bytes of the one layer that is its own, where it has one. */
export interface ComposedRebase {
  readonly image: PlatformImage
  readonly added: { readonly layer: Layer; readonly bytes: Uint8Array } | undefined
}

/** What made the layer that holds a merged package database, as the history says. */
const STATUS_LAYER = 'casemate rebase: the package database of application and base'

/** Makes config and manifest; `compress` makes gzip of a tar, the same every time. The same plan gives the same bytes. */
export function composeRebased(
  plan: RebasedImage & Pick<PlatformImage, 'platform'>,
  compress: (tar: Uint8Array) => Uint8Array,
): ComposedRebase {
  const added = plan.status === undefined ? undefined : statusLayer(plan.status, compress)
  const layers = [...plan.layers.map(plainLayer), ...(added === undefined ? [] : [added.layer])]
  const created = typeof plan.config['created'] === 'string' ? { created: plan.config['created'] } : {}
  const extra = added === undefined ? undefined : { created_by: STATUS_LAYER, ...created }
  const configBytes = finishConfig(
    plan.config,
    layers.map(({ diffId }) => diffId),
    extra,
  )
  const config = describe(MEDIA_TYPES.config, configBytes)
  const { [ANNOTATIONS.baseName]: _name, [ANNOTATIONS.baseDigest]: _digest, ...own } = plan.annotations
  const { digest, name } = plan.base
  const bytes = formatManifest({
    mediaType: MEDIA_TYPES.manifest,
    config,
    layers: layers.map(({ descriptor }) => descriptor),
    annotations: {
      ...own,
      [ANNOTATIONS.baseDigest]: digest,
      ...(name === undefined ? {} : { [ANNOTATIONS.baseName]: name }),
    },
  })
  const { platform } = plan
  return {
    image: {
      platform,
      manifest: { descriptor: { ...describe(MEDIA_TYPES.manifest, bytes), platform }, bytes },
      config: { descriptor: config, bytes: configBytes },
      layers,
    },
    added,
  }
}

function statusLayer({ text, entry }: MergedStatus, compress: (tar: Uint8Array) => Uint8Array) {
  const content = new TextEncoder().encode(text)
  const { mode, uid, gid, mtime } = entry
  const header = { path: entry.path.slice(1), type: 'file', mode, uid, gid, mtime, size: content.length } as const
  const tar = Buffer.concat([encodeTarEntry(header), content, new Uint8Array(tarPadding(content.length)), TAR_END])
  const bytes = compress(tar)
  return { layer: { descriptor: describe(MEDIA_TYPES.layerGzip, bytes), diffId: digestOf(tar) }, bytes }
}

/** Docker's types of layers, as image-spec says that they are the same ("Compatibility Matrix"). */
const OCI_TYPES: Readonly<Record<string, string>> = {
  'application/vnd.docker.image.rootfs.diff.tar': MEDIA_TYPES.layer,
  'application/vnd.docker.image.rootfs.diff.tar.gzip': MEDIA_TYPES.layerGzip,
}

function plainLayer({ descriptor, diffId }: Layer): Layer {
  const { mediaType, digest, size, annotations } = descriptor
  const type = Object.hasOwn(OCI_TYPES, mediaType) ? (OCI_TYPES[mediaType] ?? mediaType) : mediaType
  const plain: Descriptor = { mediaType: type, digest, size, ...(annotations ? { annotations } : {}) }
  return { descriptor: plain, diffId }
}
