import type { BinaryPackage, DebEntry, InstalledPackage, Stanza } from '#debian'

/** A path of a newer package, with the content of a file. */
export interface PackageEntry extends DebEntry {
  readonly content?: Uint8Array
}

/** A package that takes an older one's place, taken apart. */
export interface NewerPackage {
  /** The older one, and the fields that `status` has of it. */
  readonly installed: InstalledPackage
  readonly status: Stanza
  readonly package: BinaryPackage
  /** The control paragraph, as text. */
  readonly control: string
  /** Control files by name: `md5sums`, `postinst` … */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** In the order of the .deb. */
  readonly entries: readonly PackageEntry[]
}
