import { createHash } from 'node:crypto'
import type { Account, EffectContext, Group } from './effect.ts'
import { readText } from './entry.ts'

/** Ids that Debian hands out to system accounts as packages are installed (Debian Policy 9.2.2). */
const FIRST_SYSTEM_ID = 100
const SYSTEM_IDS = 900

/**
 * The id for a system account or group whose package does not say which: a number from 100 to 999 that depends on the
 * name alone (SHA-256), or the next one not taken. So it is the same in every image, whatever else is installed, where
 * Debian's own tools number by order of installation. A declared account of that name overrides it.
 */
export function systemId(name: string, taken: ReadonlySet<number>): number {
  const start = createHash('sha256').update(name).digest().readUInt32BE(0) % SYSTEM_IDS
  for (let step = 0; step < SYSTEM_IDS; step++) {
    const id = FIRST_SYSTEM_ID + ((start + step) % SYSTEM_IDS)
    if (!taken.has(id)) return id
  }
  return FIRST_SYSTEM_ID + start
}

/** Reads passwd(5); lines of another shape are left out. */
export function parsePasswd(text: string): readonly Account[] {
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid, comment, home, shell] = line.split(':')
    if (name === undefined || shell === undefined || home === undefined || !isId(uid) || !isId(gid)) return []
    return [{ name, uid: Number(uid), gid: Number(gid), comment: comment ?? '', home, shell }]
  })
}

/** Reads group(5); lines of another shape are left out. */
export function parseGroups(text: string): readonly Group[] {
  return text.split('\n').flatMap((line) => {
    const [name, , gid, members] = line.split(':')
    if (name === undefined || members === undefined || !isId(gid)) return []
    return [{ name, gid: Number(gid), members: members === '' ? [] : members.split(',') }]
  })
}

/** passwd(5): locked accounts, `x` where shadow(5) holds the password, `*` where there is none. */
export function formatPasswd(accounts: readonly Account[], shadowed: boolean): string {
  return accounts
    .map(({ name, uid, gid, comment = '', home, shell }) => {
      return `${[name, shadowed ? 'x' : '*', uid, gid, comment, home, shell].join(':')}\n`
    })
    .join('')
}

/** group(5). */
export function formatGroups(groups: readonly Group[], shadowed: boolean): string {
  return groups
    .map(({ name, gid, members }) => `${[name, shadowed ? 'x' : '*', gid, members.join(',')].join(':')}\n`)
    .join('')
}

/** Finds ids of the names that stand in the image's own account files; a number stands for itself. */
export interface AccountIds {
  user(name: string): number | undefined
  group(name: string): number | undefined
}

/** The ids as the tree's /etc/passwd and /etc/group have them. */
export function accountIds(context: EffectContext): AccountIds {
  const users = new Map(parsePasswd(readText(context, '/etc/passwd') ?? '').map(({ name, uid }) => [name, uid]))
  const groups = new Map(parseGroups(readText(context, '/etc/group') ?? '').map(({ name, gid }) => [name, gid]))
  return {
    user: (name) => (isId(name) ? Number(name) : users.get(name)),
    group: (name) => (isId(name) ? Number(name) : groups.get(name)),
  }
}

function isId(text: string | undefined): text is string {
  return text !== undefined && /^[0-9]{1,10}$/.test(text)
}
