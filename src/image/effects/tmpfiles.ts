import { type AccountIds, accountIds } from './account-database.ts'
import type { Effect, EffectContext, EffectEntry } from './effect.ts'
import { readText, textFile } from './entry.ts'
import { changeMode } from './file-mode.ts'

const DIRECTORY = '/usr/lib/tmpfiles.d'

/** Files of systemd's own that describe a booted machine. */
const MACHINE =
  /^(systemd|debian|home|journal|legacy|provision|static-nodes|tmp|var|x11|credstore|20-systemd|etc|portables|README)/

/**
 * Nothing runs systemd-tmpfiles when a container starts, so what it would make at boot is made here, below /run as well as
 * below /var and /etc. Lines only for boots (`!`), for cleaning, with wildcards or with specifiers say nothing to an image.
 */
export const tmpfiles: Effect = {
  name: 'tmpfiles',
  summary: 'Makes the directories, files and links that packages declare in tmpfiles.d.',
  apply(context) {
    const ids = accountIds(context)
    const seen = new Set<string>()
    return context.tree
      .list(DIRECTORY)
      .filter((name) => name.endsWith('.conf') && !MACHINE.test(name))
      .flatMap((name) => (readText(context, `${DIRECTORY}/${name}`) ?? '').split('\n'))
      .flatMap((line) => entriesOf(line, context, ids))
      .filter(({ type, path }) => !seen.has(`${type} ${path}`) && seen.add(`${type} ${path}`))
      .sort((left, right) => (left.path < right.path ? -1 : left.path > right.path ? 1 : 0))
  },
}

function entriesOf(line: string, context: EffectContext, ids: AccountIds): readonly EffectEntry[] {
  const [type = '', rawPath = '', mode = '-', user = '-', group = '-', , ...rest] = line.trim().split(/\s+/)
  if (type.startsWith('#') || type.includes('!') || !rawPath.startsWith('/') || /[%*?[]/.test(rawPath)) return []
  const path = rawPath.replace(/^\/var\/run(?=\/|$)/, '/run').replace(/\/+$/, '')
  const argument = rest.join(' ')
  const uid = user === '-' ? 0 : ids.user(user)
  const gid = group === '-' ? 0 : ids.group(group)
  if (/^\/(dev|proc|sys|tmp)(\/|$)/.test(path) || uid === undefined || gid === undefined) return []
  const resolved = context.tree.resolve(path)
  const existing = resolved === undefined ? undefined : context.tree.get(resolved)
  const isDirectory = existing?.type === 'directory' || /^[dDvqQ]/.test(type)
  const bits = mode === '-' ? undefined : changeMode(0, mode.replace(/^[~:]+/, ''), isDirectory)
  switch (type[0]) {
    case 'd':
    case 'D':
    case 'v':
    case 'q':
    case 'Q':
      if (existing === undefined) return [{ type: 'directory', path, mode: bits ?? 0o755, uid, gid }]
      return mode === '-' && user === '-' && group === '-' ? [] : [metadata(path, bits, { uid, gid })]
    case 'f':
    case 'F':
      return existing === undefined
        ? [{ ...textFile(path, argument === '' ? '' : `${argument}`, bits ?? 0o644), uid, gid }]
        : []
    case 'L':
      return existing === undefined && context.tree.get(path) === undefined && argument !== '' && argument !== '-'
        ? [{ type: 'symlink', path, target: argument }]
        : []
    case 'C':
      return existing === undefined ? copied(path, argument, context) : []
    case 'z':
    case 'Z':
      return existing === undefined ? [] : [metadata(path, bits, { uid, gid })]
    default:
      return []
  }
}

function metadata(path: string, mode: number | undefined, owner: { uid: number; gid: number }): EffectEntry {
  return { type: 'metadata', path, ...owner, ...(mode === undefined ? {} : { mode }) }
}

/** A file copied from the argument, or from its place below /usr/share/factory. */
function copied(path: string, argument: string, { tree, read }: EffectContext): readonly EffectEntry[] {
  const source = tree.resolve(argument === '' || argument === '-' ? `/usr/share/factory${path}` : argument)
  const entry = source === undefined ? undefined : tree.get(source)
  if (source === undefined || (entry?.type !== 'file' && entry?.type !== 'hardlink')) return []
  return [{ type: 'file', path, mode: entry.mode, uid: entry.uid, gid: entry.gid, content: read(source) }]
}
