import type { Digest } from '#core'
import type { BinaryPackage } from '#debian'
import type { ScriptAction } from '../scripts/action.ts'
import type { Tree } from '../tree.ts'

/** A package in the image with the control files of its .deb (`postinst`, `conffiles`, `triggers`, …) as bytes. */
export interface InstalledPackage {
  readonly package: BinaryPackage
  readonly control: ReadonlyMap<string, Uint8Array>
}

export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
  readonly shell: string
  readonly comment?: string
}

export interface Group {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

/** A path that an effect writes; times are the image's, never the effect's own. */
export type EffectEntry =
  | {
      readonly type: 'file'
      readonly path: string
      readonly mode: number
      readonly uid: number
      readonly gid: number
      readonly content: Uint8Array
    }
  | {
      readonly type: 'directory'
      readonly path: string
      readonly mode: number
      readonly uid: number
      readonly gid: number
    }
  | { readonly type: 'symlink'; readonly path: string; readonly target: string }
  /** Other permissions or owners for a path that exists, its content untouched (dpkg-statoverride, chown in a script). */
  | {
      readonly type: 'metadata'
      readonly path: string
      readonly mode?: number
      readonly uid?: number
      readonly gid?: number
      /** Even where another effect already gave a package's path others. */
      readonly replace?: boolean
    }
  /** Takes away a path that a package ships (the real directory /var/run before the link /run takes its place). */
  | { readonly type: 'removal'; readonly path: string }

/** What effects are applied to. All of it is a value or a pure look-up; nothing here touches the host. */
export interface EffectInput {
  /** The merged tree of all packages. */
  readonly tree: Tree
  /** The bytes of a regular file or hard link of the tree, by the path that `tree.resolve` gives. */
  read(path: string): Uint8Array
  /** In name order. */
  readonly packages: readonly InstalledPackage[]
  /** Debian architecture of the image, e.g. `arm64`. */
  readonly architecture: string
  /** Release facts of the archive: `13`, `trixie`. */
  readonly release: { readonly version: string; readonly codename: string }
  /** Accounts and groups that the definition declares. */
  readonly accounts: readonly Account[]
  readonly groups: readonly Group[]
  /** IANA name, e.g. `Etc/UTC`. */
  readonly timeZone: string
  /** The form of Java's keystore. Default: `jks`. */
  readonly keystore?: 'jks' | 'pkcs12' | undefined
  /** CA certificates that the definition adds: a name for the file and one PEM certificate each. */
  readonly certificates: readonly { readonly name: string; readonly pem: string }[]
  /** Seconds since the epoch that stand in for "now" wherever an effect's text needs a date. */
  readonly epoch: number
  /** SHA-256 digests of maintainer scripts whose open parts the definition accepts. */
  readonly acknowledgedScripts?: ReadonlySet<Digest>
}

/** What an effect may look at: the input, with `tree` and `read` showing also what earlier effects did. */
export interface EffectContext extends EffectInput {
  /** What the packages' maintainer scripts do on a first installation, in package and script order. */
  readonly actions: readonly ScriptAction[]
}

/** One thing that a maintainer script would have done, as data. */
export interface Effect {
  /** Kebab-case, shown by `explain`: `ca-bundle`, `merged-usr`. */
  readonly name: string
  /** One sentence for `docs/effects.md`. */
  readonly summary: string
  /**
   * What the effect writes into this image, a directory before what is in it; nothing where it does not apply. A
   * missing parent directory is made by the runner, 0755 and root's.
   */
  apply(context: EffectContext): readonly EffectEntry[]
}
