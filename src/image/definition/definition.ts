import type { Digest, Json } from '#core'
import type { Request } from '#solver'
import type { Account, Group } from '../effects/effect.ts'

/** What a definition puts at a path. `replace` lets it take the place of a package's or an extended definition's entry. */
export type PathDeclaration =
  | DirectoryDeclaration
  | (FileDeclaration & { readonly content: string })
  | RepositoryDeclaration
  | TakenDeclaration
  | SymlinkDeclaration
  | AbsentDeclaration

interface Ownership {
  readonly path: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly replace: boolean
}

interface DirectoryDeclaration extends Ownership {
  readonly type: 'directory'
  /** A directory that is there already stays as it is. */
  readonly existing?: 'keep'
}

interface FileDeclaration extends Ownership {
  readonly type: 'file'
}

interface SymlinkDeclaration {
  readonly type: 'symlink'
  readonly path: string
  readonly target: string
  readonly replace: boolean
}

/** What a tree that is taken in gets; what is not given, the tree itself or a default decides. */
export interface TreeSettings {
  /** Of its files. */
  readonly mode?: number
  readonly directoryMode?: number
  readonly uid?: number
  readonly gid?: number
  readonly replace: boolean
}

/** Patterns below what is taken in; see `Selection`. */
interface TreePatterns {
  readonly include: readonly string[]
  readonly exclude: readonly string[]
}

/** A file or folder below the definition's own. */
export interface RepositoryDeclaration extends TreeSettings, TreePatterns {
  readonly type: 'source'
  readonly path: string
  readonly source: string
}

/** How an archive is packed. */
export type Packing = 'tar' | 'tar.gz' | 'tar.xz' | 'tar.zst' | 'zip'

/** A digest, or one for each OCI platform. */
export type PlatformDigest = Digest | Readonly<Record<string, Digest>>

/** What is taken in, as far as it decides what the image is: never where it was found. */
export type TakenContent =
  | { readonly kind: 'file'; readonly digest: PlatformDigest }
  | {
      readonly kind: 'archive'
      readonly digest: PlatformDigest
      readonly packing: Packing
      /** Names of folders to leave off each path. */
      readonly strip: number
      readonly from: string
    }
  /** The digest is of a manifest, or of an index that has one for the platform. */
  | { readonly kind: 'image'; readonly digest: Digest; readonly from: string }

/** Content from elsewhere, known by its digest. It is fetched when an image is built. */
export interface TakenDeclaration extends TreeSettings, TreePatterns {
  readonly type: 'taken'
  readonly path: string
  readonly content: TakenContent
  /** Where to look for it. No input of the image. */
  readonly place: TakenPlace
}

/** Where content from elsewhere is found. */
export interface TakenPlace {
  /** A URL, one for each platform, or an image reference without its digest. */
  readonly at: string | Readonly<Record<string, string>>
  /** The definition file that says so; a relative path starts at its folder. */
  readonly file: string
}

/** A path of a package that the image shall not have. */
interface AbsentDeclaration {
  readonly type: 'absent'
  readonly path: string
  readonly reason: string
}

/** A path of an effective definition: a file's content is known by its digest. */
export type DefinedPath =
  | DirectoryDeclaration
  | (FileDeclaration & { readonly digest: Digest; readonly size: number })
  | TakenDeclaration
  | SymlinkDeclaration
  | AbsentDeclaration

/** What the image promises to whoever runs it. */
export interface Contract {
  /** An account name, a uid, or `uid:gid`. */
  readonly runAs: string
  readonly workDir: string
  /** As OCI's `ExposedPorts`: `8080/tcp`. */
  readonly ports: readonly string[]
  readonly writable: readonly string[]
  readonly volumes: readonly string[]
  readonly stopSignal: string
}

/** A contract as one document declares it. */
export type ContractDeclaration = { readonly [Key in keyof Contract]: Contract[Key] | undefined }

/** A user as one document declares it; the rest comes from extended documents or defaults. */
export type UserDeclaration = Pick<Account, 'name' | 'uid'> & Partial<Account>

/** One CA certificate in PEM form, with the name of the file that holds it. */
export interface Certificate {
  readonly name: string
  readonly pem: string
}

/** Named texts; `null` takes away what an extended definition or a base has under that name. */
export type Settings = Readonly<Record<string, string | null>>

/** What definitions and variants have in common, as far as one document says it; what it does not say is `undefined` or empty. */
export interface Fragment<Path = PathDeclaration, CertificateForm = string> {
  readonly title: string | undefined
  readonly description: string | undefined
  readonly packages: readonly Request[]
  readonly keep: readonly string[]
  readonly derived: readonly string[]
  readonly environment: Settings
  readonly entrypoint: readonly string[] | undefined
  readonly cmd: readonly string[] | undefined
  readonly contract: ContractDeclaration
  readonly users: readonly UserDeclaration[]
  readonly groups: readonly Group[]
  readonly paths: readonly Path[]
  /** As text: paths below the definition's folder, or PEM. */
  readonly certificates: readonly CertificateForm[]
  readonly timeZone: string | undefined
  /** The form of Java's keystore, where it is not JKS. */
  readonly keystore: 'jks' | 'pkcs12' | undefined
  readonly locales: readonly string[]
  readonly acknowledge: Readonly<Record<string, string>>
  readonly labels: Settings
  readonly annotations: Settings
  /** Each with a `name`; the rest is for whoever runs them to check. */
  readonly tests: readonly TestDeclaration[]
}

/** A test of the finished image, not looked into here. */
export type TestDeclaration = { readonly name: string } & { readonly [key: string]: Json }

/** Days, `YYYY-MM-DD`. */
export interface Lifecycle {
  readonly upstreamEnd: string | undefined
  readonly archiveEnd: string | undefined
}

/** One definition file as a value: read, checked, in one form, but not yet extended. */
export interface Definition<Path = PathDeclaration, CertificateForm = string> extends Fragment<Path, CertificateForm> {
  readonly image: string
  readonly extends: string | undefined
  /** What an overlay stacks on; where it extends something, only the last of those may say it. */
  readonly from: string | undefined
  /** What it stacks on where that is several: an image on each; see `memberOf`. */
  readonly bases: readonly string[]
  readonly archives: readonly string[] | undefined
  readonly without: Readonly<Record<string, string>>
  /** Packages of the base that an overlay takes away, with reasons. */
  readonly remove: Readonly<Record<string, string>>
  readonly platforms: readonly string[] | undefined
  readonly variants: Readonly<Record<string, Fragment<Path, CertificateForm>>>
  /** Variants of what it extends that the image shall not have, with reasons. */
  readonly withoutVariants: Readonly<Record<string, string>>
  readonly tags: readonly string[]
  readonly lifecycle: Lifecycle
  readonly owner: string | undefined
  readonly vendor: string | undefined
  readonly licenses: string | undefined
  readonly url: string | undefined
  readonly documentation: string | undefined
  readonly source: string | undefined
  readonly layerBudget: number | undefined
}

/** A fragment whose files and certificates have been read. */
export type LoadedFragment = Fragment<DefinedPath, Certificate>

/** A definition whose files and certificates have been read. */
export type LoadedDefinition = Definition<DefinedPath, Certificate>

/**
 * What one variant of an image shall be, with everything it extends merged in and every default filled in. Frozen.
 * Lists whose order has no meaning are sorted, so that equal images have equal values.
 */
export interface EffectiveDefinition {
  readonly image: string
  /** `runtime`, or the name of a variant. */
  readonly variant: string
  readonly title: string
  readonly description: string
  readonly archives: readonly string[]
  readonly packages: readonly Request[]
  /** Packages to leave out, with reasons; empty where the variant asks for a package manager. */
  readonly without: Readonly<Record<string, string>>
  readonly keep: readonly string[]
  readonly derived: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
  readonly contract: Contract
  readonly users: readonly Account[]
  readonly groups: readonly Group[]
  /** In path order, each path once. */
  readonly paths: readonly DefinedPath[]
  readonly certificates: readonly Certificate[]
  readonly timeZone: string
  readonly keystore?: 'pkcs12'
  readonly locales: readonly string[]
  readonly acknowledge: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly tests: readonly TestDeclaration[]
  /** Templates; see `expandTags`. */
  readonly tags: readonly string[]
  readonly lifecycle: Lifecycle
  readonly owner: string | undefined
  readonly vendor: string | undefined
  readonly licenses: string | undefined
  readonly url: string | undefined
  readonly documentation: string | undefined
  readonly source: string | undefined
  readonly layerBudget: number
  /** The same variant of what an overlay stacks on, as it is without the overlay. */
  readonly base?: EffectiveDefinition
  /** Packages of the base that are taken away, with reasons; absent where there are none. */
  readonly remove?: Readonly<Record<string, string>>
}
