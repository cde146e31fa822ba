import type { Pattern } from './pattern.ts'

/** What a text must be like; every part that is given must hold. */
export interface TextExpectation {
  /** One newline at the end does not count. */
  readonly equals?: string
  readonly contains?: string
  /** Each must be found. */
  readonly matches: readonly Pattern[]
  /** None may be found. */
  readonly excludes: readonly Pattern[]
}

/** What must be true of a path once the test has run. */
export interface FileExpectation {
  /** Absolute. */
  readonly path: string
  readonly isAbsent: boolean
  /** Whether a link at the very end is looked at itself; links on the way are always followed. */
  readonly keepsLink: boolean
  readonly mode?: number
  /** Type and permissions as Go's `fs.FileMode` writes them, e.g. `drwxr-xr-x`. */
  readonly permissions?: string
  readonly uid?: number
  readonly gid?: number
  readonly executableBy?: 'owner' | 'group' | 'other' | 'any'
  readonly content?: TextExpectation
}

/** A value by name that an image's config must have. */
export interface NamedValue {
  readonly name: string
  readonly value: { readonly equals: string } | { readonly matches: Pattern }
}

/** What must and must not be among the keys of an image's config. */
export interface KeyExpectation {
  readonly present: readonly string[]
  readonly absent: readonly string[]
}

/** What an image's config must say; what is not given is not looked at. */
export interface MetadataExpectation {
  readonly environment: readonly NamedValue[]
  readonly unset: readonly string[]
  readonly labels: readonly NamedValue[]
  /** `8080` is the port by any protocol, `8080/udp` by that one. */
  readonly ports: KeyExpectation
  readonly volumes: KeyExpectation
  readonly entrypoint?: readonly string[]
  readonly cmd?: readonly string[]
  readonly workDir?: string
  readonly user?: string
}

/** Which texts of licences are searched for licences that are not wanted. */
export interface LicenceExpectation {
  /** The `copyright` of every folder of `/usr/share/doc`, none of which may be missing. */
  readonly debian: boolean
  /** Absolute. */
  readonly files: readonly string[]
}
