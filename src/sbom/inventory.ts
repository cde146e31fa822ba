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

/** Who has brought something into an image; an overlay stands between the base and the application. */
export type Origin = 'base' | 'overlay' | 'application'

/** An image that this one is built on, as its layers prove. */
export interface BaseImage {
  readonly name: string
  /** Of its manifest. */
  readonly digest: Digest
  readonly architecture: string
  readonly origin: Exclude<Origin, 'application'>
  /** How many of the image's layers are its, those of bases below it among them. */
  readonly layers: number
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
  /** The .deb that it came from; known from a lock only. */
  readonly file?: PackageFile
  /** Absent where the image's base is not known. */
  readonly origin?: Origin
}

/** A .deb as an archive has it. */
export interface PackageFile {
  /** Below the archive's root, which any mirror may serve: `pool/main/o/openssl/libssl3t64_3.5.7-1_amd64.deb`. */
  readonly path: string
  readonly digest: Digest
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
  /** Absent where the image's base is not known. */
  readonly origin?: Origin
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
  /** How files that no package owns are accounted for. Absent where nobody has looked. */
  readonly account?: FileAccount
  /** What the image's definition says; absent where none was at hand. */
  readonly definition?: DefinitionFacts
  /** What it is built on, lowest first. Absent where nobody has said what it may be. */
  readonly bases?: readonly BaseImage[]
  /** The regular files that the image shows, hard links as files of their own, by path. Absent unless asked for. */
  readonly files?: readonly ListedFile[]
}

/** A regular file of an image. */
export interface ListedFile {
  readonly path: string
  /** In lowercase hex digits, as the next. */
  readonly sha256: string
  readonly sha1: string
  /** Absent where nothing tells. */
  readonly owner?: FileOwner
}

/** What a file belongs to: a Debian package, a group of files with a known maker, or an application's package by the path that says so. */
export type FileOwner =
  | { readonly kind: 'package'; readonly name: string; readonly architecture?: string }
  | { readonly kind: FileGroup['kind']; readonly name: string }
  | { readonly kind: 'application'; readonly path: string }

/** Files without a package that something known has made. */
export interface FileGroup {
  readonly kind: 'effect' | 'definition' | 'package-database'
  /** The effect's name, or `definition`, `dpkg`; of what was taken in from elsewhere the path where it stands. */
  readonly name: string
  /** A sentence. */
  readonly description: string
  /** Files and links, sorted. */
  readonly files: readonly string[]
  /** Where they were taken from, if from elsewhere. */
  readonly origin?: FileOrigin
}

/** Where files were taken from. */
export interface FileOrigin {
  /** A URL, or an image reference without its digest. */
  readonly at: string
  readonly digest: Digest
  /** Of an image in a registry. */
  readonly purl?: string
}

/** How files that no Debian package owns came to be. */
export interface FileAccount {
  /** By kind, then name. */
  readonly groups: readonly FileGroup[]
  /** Regular files that neither a group nor an application's package has, sorted. */
  readonly unexplained: readonly string[]
  /** Files of applications' packages, each with the path that its package was found by. */
  readonly ofApplications: ReadonlyMap<string, string>
}

/** What only a definition tells of an image. */
export interface DefinitionFacts {
  /** The definition's name for its image, and which variant was looked at. */
  readonly name: string
  readonly variant: string
  /** Packages that it leaves out although others want them, by name. */
  readonly leftOut: readonly { readonly name: string; readonly reason: string }[]
  /** Whether there was a lock beside it, so that packages have their files. */
  readonly hasLock: boolean
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
