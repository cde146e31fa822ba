import type { Digest } from '#core'
import type { PackageLicence } from './licences/package-licence.ts'

/** The distribution that an image says it is (os-release(5)). */
export interface Distribution {
  /** `debian`. */
  readonly id: string
  /** `13`, or as precise as the image says it; empty where it does not. */
  readonly versionId: string
  readonly prettyName: string
  /** `trixie`; absent where the image does not say it. */
  readonly codename?: string
}

/** A Debian binary package in an image. */
export interface DebComponent {
  readonly name: string
  readonly version: string
  /** Debian's word, `amd64` or `all`. */
  readonly architecture: string
  readonly source: { readonly name: string; readonly version: string }
  /** `Name <address>`; empty where the package names nobody. */
  readonly maintainer: string
  /** Empty where the package names none. */
  readonly homepage: string
  readonly description: string
  /** The diff ID of the layer whose files are the package's, where one layer has them all. */
  readonly layer: Digest | undefined
  /** Paths of regular files and links that it owns, sorted. */
  readonly files: readonly string[]
  /** Absent where nobody has looked. */
  readonly licence?: PackageLicence
}

/** OSV's words for the ecosystems of application packages. */
export type ApplicationEcosystem = 'npm' | 'PyPI' | 'Go' | 'Maven' | 'RubyGems'

/** An application's package in an image, whose files no Debian package owns. */
export interface ApplicationComponent {
  readonly ecosystem: ApplicationEcosystem
  /** As OSV names it: `group:artifact` for Maven, normalised for PyPI (PEP 503). */
  readonly name: string
  readonly version: string
  readonly purl: string
  /** The file that says so; of a nested archive `outer.jar!/inner.jar`. */
  readonly path: string
  /** The diff ID of that file's layer. */
  readonly layer: Digest | undefined
  /** As the package declares it, where that is a valid SPDX expression. */
  readonly licence?: string
}

/** Everything that is known to be in one platform's image. */
export interface Inventory {
  readonly image: InventoriedImage
  readonly distribution: Distribution | undefined
  /** By name, then architecture. */
  readonly packages: readonly DebComponent[]
  /** By purl, then path; each pair of them once. */
  readonly applications: readonly ApplicationComponent[]
  /** Paths of regular files that no package owns, sorted. */
  readonly unowned: readonly string[]
  /** What could not be read, a line each. */
  readonly faults: readonly string[]
}

/** The image that an inventory is of. */
export interface InventoriedImage {
  readonly name: string
  /** The manifest's digest. */
  readonly digest: Digest
  /** OCI's words: `amd64`, `arm64`. */
  readonly architecture: string
  /** RFC 3339, the image's own; never the time at which it was looked at. */
  readonly created: string
  /** From `org.opencontainers.image.version`; empty where the image has no such label. */
  readonly version: string
  /** Diff IDs, lowest first. */
  readonly layers: readonly Digest[]
}
