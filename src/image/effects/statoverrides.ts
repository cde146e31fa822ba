import { accountIds } from './account-database.ts'
import type { Effect } from './effect.ts'
import { hasPackage, textFile } from './entry.ts'
import { changeMode } from './file-mode.ts'

/** What `dpkg-statoverride --add` calls of maintainer scripts ask for (dpkg-statoverride(1)). */
export const statoverrides: Effect = {
  name: 'statoverrides',
  summary: 'Sets the owners and modes that packages register with dpkg-statoverride.',
  apply(context) {
    const overrides = context.actions.filter((action) => action.kind === 'statoverride')
    const ids = accountIds(context)
    const changes = overrides.flatMap(({ user, group, mode, path }) => {
      const resolved = context.tree.resolve(path)
      const entry = resolved === undefined ? undefined : context.tree.get(resolved)
      const [uid, gid] = [ids.user(user.replace('#', '')), ids.group(group.replace('#', ''))]
      if (entry === undefined || uid === undefined || gid === undefined) return []
      const allowed = changeMode(entry.mode, mode.toString(8), entry.type === 'directory')
      return [{ type: 'metadata', path: entry.path, mode: allowed, uid, gid } as const]
    })
    const lines = overrides.map(({ user, group, mode, path }) => `${user} ${group} ${mode.toString(8)} ${path}\n`)
    const records = hasPackage(context, 'dpkg') && lines.length > 0
    return [...changes, ...(records ? [textFile('/var/lib/dpkg/statoverride', lines.join(''))] : [])]
  },
}
