import { parsePasswd } from './account-database.ts'
import type { Effect } from './effect.ts'
import { readText } from './entry.ts'

/**
 * Homes are readable by all, so that an image works under a user of the cluster's choice too; what is private in them
 * comes at run time.
 */
export const homeDirectories: Effect = {
  name: 'home-directories',
  summary: 'Makes the home directories of declared accounts and of those whose packages ask for one.',
  apply(context) {
    const wanted = new Set(['nonroot', ...context.accounts.map(({ name }) => name)])
    for (const action of context.actions) if (action.kind === 'account' && action.createsHome) wanted.add(action.name)
    return parsePasswd(readText(context, '/etc/passwd') ?? '')
      .map((account) => ({ ...account, home: plain(account.home) }))
      .filter(({ name, home }) => wanted.has(name) && home.startsWith('/') && home !== '/' && home !== '/nonexistent')
      .filter(({ home }) => context.tree.resolve(home) === undefined)
      .sort((left, right) => (left.home < right.home ? -1 : 1))
      .map(({ uid, gid, home }) => ({ type: 'directory', path: home, mode: 0o755, uid, gid }))
  },
}

/** Scripts write `/var/lib/x/` as well. */
function plain(home: string): string {
  return home.replaceAll(/\/+/g, '/').replace(/(?<=.)\/$/, '')
}
