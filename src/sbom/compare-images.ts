import { compareFiles, type FileComparison } from './compare-files.ts'
import { compareLicences, type LicenceComparison } from './compare-licences.ts'
import { comparePackages, type PackageChange, type VersionOrder } from './compare-packages.ts'
import { compareSettings, type SettingChange } from './compare-settings.ts'
import type { ImageState, StateLayer } from './image-state.ts'

/** A number of each image. */
export interface FromTo {
  readonly from: number
  readonly to: number
}

/** Everything in which two images differ. */
export interface ImageComparison {
  readonly packages: readonly PackageChange[]
  readonly licences: LicenceComparison
  readonly files: FileComparison
  readonly settings: readonly SettingChange[]
  readonly layers: LayerComparison
  readonly sizes: ImageSizes
}

/** Which layers two images share, by diff ID; lowest first. */
export interface LayerComparison {
  readonly shared: readonly StateLayer[]
  readonly removed: readonly StateLayer[]
  readonly added: readonly StateLayer[]
}

/** Sizes in bytes. */
export interface ImageSizes {
  /** Of all layers as they are stored: compressed, but in a docker archive. */
  readonly stored: FromTo
  /** Of all files that are visible. */
  readonly unpacked: FromTo
  /** Of the second image's layers that who has the first has yet to fetch. */
  readonly toFetch: number
}

/** Compares two images; `order` is Debian's order of versions. */
export function compareImages(from: ImageState, to: ImageState, order: VersionOrder): ImageComparison {
  const packages = comparePackages(from.inventory.packages, to.inventory.packages, order)
  const changed = new Set(packages.flatMap((change) => change.packages.map(({ name }) => name)))
  return {
    packages,
    licences: compareLicences(from.inventory, to.inventory),
    files: compareFiles(from.files, to.files, changed),
    settings: compareSettings(from.settings, to.settings),
    layers: compareLayers(from.layers, to.layers),
    sizes: sizesOf(from, to),
  }
}

/** Whether two images are the same in all that makes a difference to who runs them: layers and sizes are not looked at. */
export function isSameContent({ packages, files, settings }: ImageComparison): boolean {
  const { outside, unexpected, packages: counts, permissions } = files
  return [packages, settings, outside, unexpected, counts, permissions].every((list) => list.length === 0)
}

function compareLayers(from: readonly StateLayer[], to: readonly StateLayer[]): LayerComparison {
  const left = new Set(from.map(({ diffId }) => diffId))
  const right = new Set(to.map(({ diffId }) => diffId))
  return {
    shared: to.filter(({ diffId }) => left.has(diffId)),
    removed: from.filter(({ diffId }) => !right.has(diffId)),
    added: to.filter(({ diffId }) => !left.has(diffId)),
  }
}

function sizesOf(from: ImageState, to: ImageState): ImageSizes {
  const total = (layers: readonly StateLayer[]) => layers.reduce((sum, { size }) => sum + size, 0)
  const held = new Set(from.layers.map(({ digest }) => digest))
  return {
    stored: { from: total(from.layers), to: total(to.layers) },
    unpacked: { from: from.unpackedSize, to: to.unpackedSize },
    toFetch: total(to.layers.filter(({ digest }) => !held.has(digest))),
  }
}
