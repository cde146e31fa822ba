import type { ImageFiles } from '#oci'
import type { Inventory } from '#sbom'
import type { FoundSecret, LayerSecrets } from '#secrets'
import type { FactRecord } from '../fact-shapes.ts'

/** What was found in an image: layers lowest first, and what of its config has secrets in it. */
export interface ImageSecrets {
  readonly layers: readonly LayerSecrets[]
  readonly config: readonly { readonly place: string; readonly secrets: readonly FoundSecret[] }[]
}

/**
 * Secrets as expressions see them: those of the config first, then by layer and path. What a file of a Debian package has is
 * published where the file's MD5 is the one that the image's own dpkg database has of it.
 */
export function secretFacts(
  { layers, config }: ImageSecrets,
  files: ImageFiles,
  inventory: Inventory,
): FactRecord<'Secrets'> {
  const sums = new Map(layers.flatMap((layer) => Object.entries(layer.sums)))
  const owners = new Map(inventory.packages.flatMap(({ name, files: own }) => own.map((path) => [path, name] as const)))
  const isPublished = ({ path, md5 }: { readonly path: string; readonly md5: string }) => sums.get(path) === md5
  const ofConfig = config.flatMap(({ place, secrets }) =>
    secrets.map((secret) => ({
      ...{ ...secret, line: 0, path: place, layer: 0, package: '' },
      ...{ published: false, hidden: false },
    })),
  )
  const ofLayers = layers.flatMap((layer, number) =>
    layer.files.flatMap((file) =>
      file.secrets.map((secret) => ({
        ...{ ...secret, path: file.path, layer: number + 1, package: owners.get(file.path) ?? '' },
        ...{ published: isPublished(file), hidden: files.get(file.path)?.layer !== number },
      })),
    ),
  )
  const packed = layers.flatMap((layer) => layer.packed.filter((file) => !isPublished(file)).map(({ path }) => path))
  return { found: [...ofConfig, ...ofLayers], packed: [...new Set(packed)].sort() }
}
