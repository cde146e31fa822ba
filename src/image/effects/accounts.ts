import { ImageError } from '../errors.ts'
import { formatGroups, formatPasswd, parseGroups, parsePasswd, systemId } from './account-database.ts'
import type { Account, Effect, EffectContext, EffectEntry, Group } from './effect.ts'
import { hasPackage, readText, textFile } from './entry.ts'
import { staticAccounts, staticGroups } from './static-accounts.ts'
import { parseSysusers, type SysusersLine } from './sysusers.ts'

const NOGROUP = 65534
const NONROOT: Account = {
  name: 'nonroot',
  uid: 65532,
  gid: 65532,
  comment: 'nonroot',
  home: '/home/nonroot',
  shell: '/sbin/nologin',
}

/** What packages ask for, from sysusers.d and from adduser, useradd and their like in maintainer scripts. */
type Request = SysusersLine

/** /etc/passwd and /etc/group, with their shadows where the passwd package is there to use them. */
export const accounts: Effect = {
  name: 'accounts',
  summary: 'Writes the account and group files: root, nobody, nonroot, the ones packages ask for, the ones declared.',
  apply(context) {
    const database = new Database(context)
    for (const request of requestsOf(context)) database.add(request)
    database.addOwners()
    return filesOf(context, database)
  },
}

/** Accounts and groups under construction; whoever comes first decides a name's ids. */
class Database {
  readonly users = new Map<string, Account>()
  readonly groups = new Map<string, Group>()
  readonly #context: EffectContext

  constructor(context: EffectContext) {
    this.#context = context
    for (const group of context.groups) this.#declareGroup(group)
    for (const account of context.accounts) this.#declareAccount(account)
    const masterGroups = readText(context, '/usr/share/base-passwd/group.master')
    const masterUsers = readText(context, '/usr/share/base-passwd/passwd.master')
    const everywhere: Group[] = [
      { name: 'root', gid: 0, members: [] },
      { name: 'tty', gid: 5, members: [] },
      { name: 'staff', gid: 50, members: [] },
      { name: 'nogroup', gid: NOGROUP, members: [] },
    ]
    for (const group of masterGroups === undefined ? everywhere : parseGroups(masterGroups)) this.#offerGroup(group)
    for (const user of masterUsers === undefined ? minimalUsers(context) : parsePasswd(masterUsers))
      this.#offerUser(user)
    if (![...this.users.values()].some(({ uid }) => uid === NONROOT.uid)) this.#offerUser(NONROOT)
    for (const { name, gid } of this.users.values()) {
      if (![...this.groups.values()].some((group) => group.gid === gid)) this.#offerGroup({ name, gid, members: [] })
    }
  }

  add(request: Request): void {
    if (request.type === 'group') this.#ensureGroup(request.name, request.gid)
    else if (request.type === 'account') this.#addAccount(request)
    else this.#addMember(request.account, request.group)
  }

  /** Gives their names to the fixed ids that own paths of the tree, where no name stands for them yet. */
  addOwners(): void {
    const uids = new Set<number>()
    const gids = new Set<number>()
    for (const { uid, gid } of this.#context.tree.entries()) {
      uids.add(uid)
      gids.add(gid)
    }
    for (const account of staticAccounts) if (uids.has(account.uid)) this.#offerUser(account)
    for (const { gid } of this.users.values()) gids.add(gid)
    for (const group of staticGroups) if (gids.has(group.gid)) this.#offerGroup(group)
  }

  #addAccount({ name, uid, group, comment, home, shell }: Extract<Request, { type: 'account' }>): void {
    const fixed = staticAccounts.find((account) => account.name === name)
    if (this.users.has(name) || fixed !== undefined) {
      if (fixed !== undefined) this.#offerUser(fixed)
      return
    }
    const id = uid ?? systemId(name, new Set([...this.users.values()].map((user) => user.uid)))
    const gid = group === undefined ? this.#ensureGroup(name, uid) : this.#ensureGroup(group)
    this.#offerUser({
      name,
      uid: id,
      gid,
      comment: comment ?? '',
      home: home ?? '/',
      shell: shell ?? '/usr/sbin/nologin',
    })
  }

  #addMember(account: string, group: string): void {
    this.#ensureGroup(group)
    const existing = this.groups.get(group)
    if (existing === undefined || existing.members.includes(account)) return
    this.groups.set(group, { ...existing, members: [...existing.members, account].sort() })
  }

  /** The number of a group, made when there is none of that name. */
  #ensureGroup(name: string, gid?: number): number {
    if (/^[0-9]+$/.test(name)) return Number(name)
    const existing = this.groups.get(name) ?? staticGroups.find((group) => group.name === name)
    const taken = () => new Set([...this.groups.values()].map((group) => group.gid))
    const group = existing ?? { name, gid: gid ?? systemId(name, taken()), members: [] }
    this.#offerGroup(group)
    return group.gid
  }

  #offerUser(account: Account): void {
    if (!this.users.has(account.name)) this.users.set(account.name, account)
  }

  #offerGroup(group: Group): void {
    if (!this.groups.has(group.name)) this.groups.set(group.name, group)
  }

  #declareAccount(account: Account): void {
    const rival = [...this.users.values()].find(({ name, uid }) => name === account.name || uid === account.uid)
    if (rival !== undefined) throw ambiguous('account', account.name, rival.name)
    this.users.set(account.name, account)
  }

  #declareGroup(group: Group): void {
    const rival = [...this.groups.values()].find(({ name, gid }) => name === group.name || gid === group.gid)
    if (rival !== undefined) throw ambiguous('group', group.name, rival.name)
    this.groups.set(group.name, group)
  }
}

function ambiguous(kind: string, name: string, rival: string): ImageError {
  return new ImageError('EFFECT_INVALID', `cannot make ${kind} ${name}: ${kind} ${rival} has its name or its number`)
}

/** The accounts of an image without base-passwd. */
function minimalUsers({ tree }: EffectContext): readonly Account[] {
  const shell = ['/bin/bash', '/bin/sh'].find((path) => tree.resolve(path) !== undefined) ?? '/sbin/nologin'
  return [
    { name: 'root', uid: 0, gid: 0, comment: 'root', home: '/root', shell },
    { name: 'nobody', uid: 65534, gid: NOGROUP, comment: 'nobody', home: '/nonexistent', shell: '/usr/sbin/nologin' },
  ]
}

/** sysusers.d in the order of file names, then the scripts in theirs. */
function requestsOf(context: EffectContext): readonly Request[] {
  const directory = '/usr/lib/sysusers.d'
  const declared = context.tree
    .list(directory)
    .filter((name) => name.endsWith('.conf') && name !== 'basic.conf')
    .flatMap((name) => parseSysusers(readText(context, `${directory}/${name}`) ?? ''))
  const scripted = context.actions.flatMap((action): Request[] => {
    if (action.kind === 'group') return [{ ...action, type: 'group' }]
    if (action.kind === 'member') return [{ ...action, type: 'member' }]
    if (action.kind !== 'account') return []
    const { group, home = '/nonexistent', ...rest } = action
    return [{ ...rest, home, type: 'account', ...(group === 'own' || group === undefined ? {} : { group }) }]
  })
  const owners = context.actions.flatMap((action): Request[] => {
    if (action.kind !== 'owner' && action.kind !== 'statoverride') return []
    const fixedUser = staticAccounts.find(({ name }) => name === action.user)
    const fixedGroup = staticGroups.find(({ name }) => name === action.group)
    return [
      ...(fixedUser === undefined ? [] : [{ type: 'account', name: fixedUser.name } as const]),
      ...(fixedGroup === undefined ? [] : [{ type: 'group', name: fixedGroup.name } as const]),
    ]
  })
  // systemd-sysusers makes all groups before the accounts that may be in them.
  const isGroup = ({ type }: Request) => type === 'group'
  return [...declared.filter(isGroup), ...declared.filter((line) => !isGroup(line)), ...scripted, ...owners]
}

function filesOf(context: EffectContext, { users, groups }: Database): readonly EffectEntry[] {
  const shadowed = hasPackage(context, 'passwd')
  const byUid = [...users.values()].sort((left, right) => left.uid - right.uid || (left.name < right.name ? -1 : 1))
  const byGid = [...groups.values()].sort((left, right) => left.gid - right.gid || (left.name < right.name ? -1 : 1))
  const shadowGid = groups.get('shadow')?.gid ?? 0
  const day = Math.floor(context.epoch / 86_400)
  const shadow = byUid.map(({ name }) => `${name}:*:${day}:0:99999:7:::\n`).join('')
  const gshadow = byGid.map(({ name, members }) => `${name}:*::${members.join(',')}\n`).join('')
  return [
    textFile('/etc/group', formatGroups(byGid, shadowed)),
    textFile('/etc/passwd', formatPasswd(byUid, shadowed)),
    ...(hasPackage(context, 'base-passwd') ? [textFile('/etc/subuid', ''), textFile('/etc/subgid', '')] : []),
    ...(shadowed
      ? [
          { ...textFile('/etc/gshadow', gshadow, 0o640), gid: shadowGid },
          { ...textFile('/etc/shadow', shadow, 0o640), gid: shadowGid },
        ]
      : []),
  ]
}
