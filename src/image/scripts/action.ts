/** One thing that a maintainer script does on a first installation, read from its text; never run. */
export type ScriptAction = { readonly package: string } & (
  | AlternativeAction
  | AccountAction
  | { readonly kind: 'group'; readonly name: string; readonly gid?: number }
  | { readonly kind: 'member'; readonly account: string; readonly group: string }
  /** `ucf SOURCE TARGET`: the source becomes the configuration file where there is none (ucf(1)). */
  | { readonly kind: 'configuration-file'; readonly source: string; readonly target: string }
  | StatoverrideAction
  /** `dpkg-divert --add`: other packages' file at `path` goes to `to` (dpkg-divert(1)). */
  | { readonly kind: 'diversion'; readonly path: string; readonly to: string; readonly by: string }
  | PathAction
  /** `php_invoke enmod VERSION SAPI MODULE`; the interface may be `ALL`. */
  | { readonly kind: 'php-module'; readonly version: string; readonly sapi: string; readonly module: string }
)

/** `update-alternatives --install` with its slaves, in the order of the call (update-alternatives(1)). */
export interface AlternativeAction {
  readonly kind: 'alternative'
  readonly link: string
  readonly name: string
  readonly path: string
  readonly priority: number
  readonly slaves: readonly { readonly link: string; readonly name: string; readonly path: string }[]
}

/** `adduser` or `useradd`; what the call leaves open is absent. */
export interface AccountAction {
  readonly kind: 'account'
  readonly name: string
  readonly uid?: number
  /** The primary group's name or number, or `own` for a group of the account's own name. */
  readonly group?: string
  readonly home?: string
  readonly shell?: string
  readonly comment?: string
  readonly createsHome: boolean
}

/** `dpkg-statoverride --add`; user and group are names or numbers as the script has them. */
export interface StatoverrideAction {
  readonly kind: 'statoverride'
  readonly user: string
  readonly group: string
  readonly mode: number
  readonly path: string
}

/** What a script does to a literal path with coreutils; a `mode` that is text is one for chmod(1). */
export type PathAction =
  | { readonly kind: 'directory'; readonly path: string; readonly mode?: string }
  | { readonly kind: 'file'; readonly path: string; readonly content: string; readonly mode: number }
  | { readonly kind: 'copy'; readonly source: string; readonly path: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'removal'; readonly path: string }
  | { readonly kind: 'mode'; readonly path: string; readonly mode: string }
  | { readonly kind: 'owner'; readonly path: string; readonly user?: string; readonly group?: string }
