/** Why a path of a package is left out of images unless a definition keeps it. */
export interface PathRule {
  /** Kebab-case; the word that a definition's `keep:` names and `explain` prints. */
  readonly name: string
  readonly reason: string
  /** Tells whether the rule leaves out this absolute path with the merged /usr applied. */
  leavesOut(path: string, type: string): boolean
}

/** Everything below the given directories, and the directories themselves. */
function below(...directories: readonly string[]): (path: string) => boolean {
  return (path) => directories.some((directory) => path === directory || path.startsWith(`${directory}/`))
}

/**
 * The rules of format 1, in the order they are asked. They are a digest input: a change of any of them is a new format.
 * A copyright file always stays, and so does a link in /usr/share/doc, which may lead to one. Debconf's templates come
 * back, by the effect `dpkg-state`, where dpkg is.
 */
export const pathRules: readonly PathRule[] = [
  {
    name: 'documentation',
    reason: 'documentation other than copyright files',
    leavesOut: (path, type) =>
      (path.startsWith('/usr/share/doc/') && !isDocumentationKept(path, type)) ||
      below('/usr/share/doc-base', '/usr/share/help', '/usr/share/gtk-doc')(path),
  },
  {
    name: 'man-pages',
    reason: 'man and info pages',
    leavesOut: below('/usr/share/man', '/usr/share/info', '/usr/share/groff'),
  },
  {
    name: 'translations',
    reason: 'message translations',
    leavesOut: (path) => path.startsWith('/usr/share/locale/') && path !== '/usr/share/locale/locale.alias',
  },
  {
    name: 'packaging-notes',
    reason: 'files for Debian developers: lintian overrides, bug scripts',
    leavesOut: below('/usr/share/lintian', '/usr/share/bug', '/usr/share/reportbug', '/usr/share/linda'),
  },
  {
    name: 'packaging-data',
    reason: "control files that only building other packages or debconf's questions need: symbols, shlibs, templates",
    leavesOut: (path) => /^\/var\/lib\/dpkg\/info\/[^/]+\.(?:symbols|shlibs|templates)$/.test(path),
  },
  {
    name: 'desktop-entries',
    reason: 'menu entries and icons of desktop programs',
    leavesOut: below('/usr/share/applications', '/usr/share/pixmaps', '/usr/share/menu'),
  },
  {
    name: 'shell-completions',
    reason: 'completions of interactive shells',
    leavesOut: below(
      '/usr/share/bash-completion/completions',
      '/usr/share/zsh/vendor-completions',
      '/usr/share/fish/vendor_completions.d',
      '/etc/bash_completion.d',
    ),
  },
]

/** `/usr/share/doc/PKG` itself stays, as the place of its copyright file; so do copyright files and links. */
function isDocumentationKept(path: string, type: string): boolean {
  const rest = path.slice('/usr/share/doc/'.length)
  const isPackageDirectory = !rest.includes('/')
  return isPackageDirectory ? type !== 'file' : /^[^/]+\/copyright$/.test(rest)
}

/** The first rule that leaves out a path and is not among the kept ones; `undefined` when the path stays. */
export function ruleAgainst(path: string, type: string, kept: readonly string[]): PathRule | undefined {
  return pathRules.find((rule) => !kept.includes(rule.name) && rule.leavesOut(path, type))
}

const aliased = /^\/(?:bin|sbin|lib|lib32|lib64|libx32|libo32)(?=\/|$)/

/**
 * Applies the merged /usr to an absolute path: what lies below /bin, /sbin and the /lib directories lies below /usr, and
 * so does such a directory itself. A link of that name stays: it is the merged /usr.
 */
export function mergeUsr(path: string, type: string): string {
  if (!aliased.test(path)) return path
  const isAlias = !path.includes('/', 1) && type !== 'directory'
  return isAlias ? path : `/usr${path}`
}
