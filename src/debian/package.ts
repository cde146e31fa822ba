import type { Digest } from '#core'

/** A version in Debian's form, `[epoch:]upstream[-revision]` (deb-version(7)). Ordered by `compareVersions`. */
export type DebVersion = string

/** The relation operators of deb-control(5). */
export type VersionOperator = '<<' | '<=' | '=' | '>=' | '>>'

/** One alternative of a dependency: `name[:arch] [(op version)]` (deb-control(5), "Depends"). */
export interface PackageRelation {
  readonly name: string
  /** `any`, `native` or an architecture, where the relation is qualified. */
  readonly qualifier?: string
  readonly operator?: VersionOperator
  readonly version?: DebVersion
}

/** An or-group: at least one alternative must hold. A comma-separated field is a list of these. */
export type Dependency = readonly PackageRelation[]

/** A name that a package provides, with the version where it is versioned. */
export interface Provision {
  readonly name: string
  readonly version?: DebVersion
}

export type MultiArch = 'no' | 'same' | 'foreign' | 'allowed'

/** The fields of a binary package's control paragraph that Casemate decides on. */
export interface BinaryPackage {
  readonly name: string
  readonly version: DebVersion
  /** `amd64`, `arm64`, …, or `all`. */
  readonly architecture: string
  readonly multiArch: MultiArch
  readonly essential: boolean
  /** `required`, `important`, `standard`, `optional`, `extra`; empty when the field is absent. */
  readonly priority: string
  readonly section: string
  readonly source: { readonly name: string; readonly version: DebVersion }
  readonly preDepends: readonly Dependency[]
  readonly depends: readonly Dependency[]
  readonly recommends: readonly Dependency[]
  readonly conflicts: readonly PackageRelation[]
  readonly breaks: readonly PackageRelation[]
  readonly replaces: readonly PackageRelation[]
  readonly provides: readonly Provision[]
  /** Bytes, from `Installed-Size` (KiB) × 1024; 0 when absent. */
  readonly installedSize: number
  readonly description: string
}

/** A binary package as an archive's index offers it: with its file and the suite that lists it. */
export interface ArchivePackage extends BinaryPackage {
  /** The file's path below the archive's root, `pool/…`; never absolute, never with `..`. */
  readonly filename: string
  /** Bytes. */
  readonly size: number
  readonly digest: Digest
  /** The named archive (`archives/NAME.yaml`) and the suite in it, e.g. `debian-13` and `trixie-security`. */
  readonly archive: string
  readonly suite: string
}
