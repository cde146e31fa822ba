import type { Effect, EffectContext, EffectEntry } from './effect.ts'
import { hasPackage } from './entry.ts'

/** Directories that every Debian root has, by base-files' data or its postinst (hier(7)), with their modes. */
const directories: readonly (readonly [path: string, mode: number])[] = [
  ['/boot', 0o755],
  ['/dev', 0o755],
  ['/etc', 0o755],
  ['/etc/opt', 0o755],
  ['/home', 0o755],
  ['/media', 0o755],
  ['/mnt', 0o755],
  ['/opt', 0o755],
  ['/proc', 0o755],
  ['/root', 0o700],
  ['/run', 0o755],
  ['/run/lock', 0o1777],
  ['/srv', 0o755],
  ['/sys', 0o755],
  ['/tmp', 0o1777],
  ['/usr', 0o755],
  ['/usr/local', 0o755],
  ['/usr/local/bin', 0o755],
  ['/usr/local/etc', 0o755],
  ['/usr/local/games', 0o755],
  ['/usr/local/include', 0o755],
  ['/usr/local/lib', 0o755],
  ['/usr/local/libexec', 0o755],
  ['/usr/local/sbin', 0o755],
  ['/usr/local/share', 0o755],
  ['/usr/local/share/man', 0o755],
  ['/usr/local/src', 0o755],
  ['/var', 0o755],
  ['/var/cache', 0o755],
  ['/var/lib', 0o755],
  ['/var/log', 0o755],
  ['/var/opt', 0o755],
  ['/var/spool', 0o755],
  ['/var/tmp', 0o1777],
]

/** The mail spool; its group, 8, exists only where base-passwd brings the groups of a full system. */
const MAIL = { type: 'directory', path: '/var/mail', mode: 0o2775, uid: 0, gid: 8 } as const

/** Links that base-files' postinst makes; where base-files ships an empty directory of the name, the link replaces it. */
const links: readonly (readonly [path: string, target: string])[] = [
  ['/usr/local/man', 'share/man'],
  ['/var/lock', '/run/lock'],
  ['/var/run', '/run'],
]

/** Files that base-files' postinst copies from its own folder on a first installation. */
const copies: readonly (readonly [source: string, path: string])[] = [
  ['dot.profile', '/root/.profile'],
  ['dot.bashrc', '/root/.bashrc'],
  ['profile', '/etc/profile'],
  ['motd', '/etc/motd'],
]

/** The directories, links and first files of a root, as base-files' postinst leaves them. */
export const baseDirectories: Effect = {
  name: 'base-directories',
  summary:
    'Makes the directories of a Debian root, the links /var/run and /var/lock, and the first files of base-files.',
  apply(context) {
    const { tree } = context
    const missing = directories.filter(([path]) => tree.get(path) === undefined)
    return [
      ...missing.map(([path, mode]) => ({ type: 'directory', path, mode, uid: 0, gid: 0 }) as const),
      ...links.flatMap(([path, target]) => linkInstead(context, path, target)),
      ...(hasPackage(context, 'base-passwd') ? mailSpool(context) : []),
      ...copies.flatMap(([source, path]) => copyOf(context, `/usr/share/base-files/${source}`, path)),
      ...originsLink(context),
    ]
  },
}

/** The link, with what packages ship below a real directory of that name moved to where the link leads. */
function linkInstead({ tree }: EffectContext, path: string, target: string): readonly EffectEntry[] {
  const existing = tree.get(path)
  if (existing?.type === 'symlink') return []
  if (existing?.type !== 'directory') return [{ type: 'symlink', path, target }]
  const below = [...tree.entries()].filter((entry) => entry.path.startsWith(`${path}/`))
  const moved = below.flatMap((entry) => {
    const destination = target + entry.path.slice(path.length)
    const { mode, uid, gid } = entry
    return entry.type === 'directory' && tree.get(destination) === undefined
      ? [{ type: 'directory', path: destination, mode, uid, gid } as const]
      : []
  })
  const emptied = below.filter((entry) => entry.type === 'directory').reverse()
  return [
    ...moved,
    ...emptied.map((entry) => ({ type: 'removal', path: entry.path }) as const),
    { type: 'removal', path },
    { type: 'symlink', path, target },
  ]
}

function mailSpool({ tree }: EffectContext): readonly EffectEntry[] {
  if (tree.get(MAIL.path) !== undefined) return []
  return [MAIL, { type: 'symlink', path: '/var/spool/mail', target: '../mail' }]
}

function copyOf({ tree, read }: EffectContext, source: string, path: string): readonly EffectEntry[] {
  const from = tree.get(source)
  if (from === undefined || tree.get(path) !== undefined) return []
  return [{ type: 'file', path, mode: from.mode, uid: 0, gid: 0, content: read(source) }]
}

function originsLink({ tree }: EffectContext): readonly EffectEntry[] {
  const path = '/etc/dpkg/origins/default'
  if (tree.get('/etc/dpkg/origins/debian') === undefined || tree.get(path) !== undefined) return []
  return [{ type: 'symlink', path, target: 'debian' }]
}
