import { parseGroups, parsePasswd } from '../effects/account-database.ts'
import type { Effect, EffectContext } from '../effects/effect.ts'
import { readText } from '../effects/entry.ts'
import { type Conflict, conflictError } from './conflict.ts'
import { memberAt } from './declaration-places.ts'
import type { StackSides } from './stack-sides.ts'

/**
 * Looks at what an overlay and its base have become together, and writes nothing: accounts that both have, the program that
 * starts, its user and folder, alternatives and links of the base that now lead elsewhere. Throws `OVERLAY_CONFLICT` with all
 * that is wrong when applied.
 */
export function overlayChecks(sides: StackSides): Effect {
  return {
    name: 'overlay-checks',
    summary: 'Refuses an overlay whose image would not keep what it and its base promise.',
    apply: (context) => {
      const conflicts = [
        ...accountConflicts(sides),
        ...programConflicts(context, sides),
        ...userConflicts(context, sides),
        ...folderConflicts(context, sides),
        ...linkConflicts(context, sides),
      ]
      if (conflicts.length > 0) throw conflictError(sides.overlay.image, sides.base.image, conflicts)
      return []
    },
  }
}

/** Accounts that no definition declares, but that packages of the base asked for. */
function accountConflicts(sides: StackSides): readonly Conflict[] {
  const { overlay, base, baseTree } = sides
  const text = (path: string) => {
    const found = baseTree.resolve(path)
    return found === undefined ? '' : Buffer.from(sides.readBase(found)).toString('utf8')
  }
  const [users, groups] = [parsePasswd(text('/etc/passwd')), parseGroups(text('/etc/group'))]
  const waysOut = 'take another name or number: files of the base may belong to the one it has'
  const own = <Member extends { readonly name: string }>(all: readonly Member[], below: readonly Member[]) =>
    all.filter(({ name }) => !below.some((one) => one.name === name))
  return [
    ...own(overlay.users, base.users).flatMap(({ name, uid }): Conflict[] => {
      const rival = users.find((one) => (one.name === name) !== (one.uid === uid))
      if (rival === undefined) return []
      const who = sides.at((fragment) =>
        memberAt(fragment.users, ['accounts', 'users'], (declared) => declared.name === name),
      )
      const sentence = `base ${base.image} has the account ${rival.name} with uid ${rival.uid}, ${who} ${name} with uid ${uid}`
      return [{ kind: 'account', sides: sentence, waysOut }]
    }),
    ...own(overlay.groups, base.groups).flatMap(({ name, gid }): Conflict[] => {
      const rival = groups.find((one) => (one.name === name) !== (one.gid === gid))
      if (rival === undefined) return []
      const who = sides.at((fragment) =>
        memberAt(fragment.groups, ['accounts', 'groups'], (declared) => declared.name === name),
      )
      const sentence = `base ${base.image} has the group ${rival.name} with gid ${rival.gid}, ${who} ${name} with gid ${gid}`
      return [{ kind: 'group', sides: sentence, waysOut }]
    }),
  ]
}

function programConflicts({ tree }: EffectContext, sides: StackSides): readonly Conflict[] {
  const { overlay, base } = sides
  const [program] = overlay.entrypoint.length > 0 ? overlay.entrypoint : overlay.cmd
  if (program === undefined) return []
  const places = program.includes('/')
    ? [program.startsWith('/') ? program : `${overlay.contract.workDir}/${program}`]
    : searchPath(overlay.environment).map((folder) => `${folder}/${program}`)
  const found = places.flatMap((place) => tree.resolve(place) ?? [])
  const isExecutable = (path: string) => {
    const entry = tree.get(path)
    return (entry?.type === 'file' || entry?.type === 'hardlink') && (entry.mode & 0o111) !== 0
  }
  if (found.some(isExecutable)) return []
  const isOwn = base.entrypoint.join('\0') !== overlay.entrypoint.join('\0')
  const who = isOwn ? sides.at(({ entrypoint }) => entrypoint && ['entrypoint']) : `base ${base.image}`
  const state = found.length === 0 ? 'is not in the image' : 'is there and nobody may execute it'
  const where = program.includes('/') ? '' : ` (PATH ${searchPath(overlay.environment).join(':')})`
  const other = isOwn ? `on base ${base.image}` : `with overlay ${overlay.image}`
  return [
    {
      kind: 'entrypoint',
      sides: `${who} starts ${program}${where}, which ${other} ${state}`,
      waysOut: 'add the package or file that it is in, give it the mode "0755", or name another `entrypoint`',
    },
  ]
}

function searchPath({
  PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
}: Readonly<Record<string, string>>) {
  return PATH.split(':').filter((folder) => folder.startsWith('/'))
}

function userConflicts(context: EffectContext, sides: StackSides): readonly Conflict[] {
  const { overlay, base } = sides
  const { runAs } = overlay.contract
  const accounts = parsePasswd(readText(context, '/etc/passwd') ?? '')
  const [user = ''] = runAs.split(':')
  if (/^\d+$/.test(user) || accounts.some(({ name }) => name === user)) return []
  const who = sides.at(({ contract }) => (contract.runAs === undefined ? undefined : ['contract', 'run-as']))
  return [
    {
      kind: 'user',
      sides: `${who} runs as ${runAs}, base ${base.image} has no such account`,
      waysOut: 'declare it under `accounts: { users: […] }`, or run as one that is there',
    },
  ]
}

function folderConflicts({ tree }: EffectContext, sides: StackSides): readonly Conflict[] {
  const { overlay, base } = sides
  const { workDir } = overlay.contract
  if (workDir === '/' || workDir === base.contract.workDir) return []
  const found = tree.resolve(workDir)
  const entry = found === undefined ? undefined : tree.get(found)
  if (entry?.type === 'directory') return []
  const who = sides.at(({ contract }) => (contract.workDir === undefined ? undefined : ['contract', 'work-dir']))
  const state = entry === undefined ? 'has no such folder' : `has a ${entry.type} there`
  return [
    {
      kind: 'work-dir',
      sides: `${who} starts in ${workDir}, base ${base.image} ${state}`,
      waysOut: `add \`- { path: ${workDir}, type: directory }\` to \`paths\`, with its owner`,
    },
  ]
}

/** Alternatives that another package takes, and links of the base's definition that lost what they led to. */
function linkConflicts({ tree }: EffectContext, sides: StackSides): readonly Conflict[] {
  const { overlay, base, baseTree } = sides
  const settled = new Set(overlay.paths.map(({ path }) => path))
  const alternatives = baseTree.list('/etc/alternatives').flatMap((name): Conflict[] => {
    const path = `/etc/alternatives/${name}`
    const [before, now] = [baseTree.get(path), tree.get(path)]
    if (before?.type !== 'symlink' || now?.type !== 'symlink' || before.target === now.target) return []
    if (settled.has(path)) return []
    const sentence = `${name} of base ${base.image} is ${before.target}, with the packages of overlay ${overlay.image} it would be ${now.target}`
    const waysOut = `say which: \`- { path: ${path}, symlink: ${before.target}, replace: true }\``
    return [{ kind: 'alternative', sides: sentence, waysOut }]
  })
  const links = base.paths.flatMap((declared): Conflict[] => {
    if (declared.type !== 'symlink' || tree.get(declared.path)?.type !== 'symlink') return []
    if (baseTree.resolve(declared.path) === undefined || tree.resolve(declared.path) !== undefined) return []
    const sentence = `base ${base.image} links ${declared.path} to ${declared.target}, which overlay ${overlay.image} takes away`
    const waysOut = `leave the link out as well, \`- { path: ${declared.path}, type: absent, reason: … }\`, or keep what it leads to`
    return [{ kind: 'link', sides: sentence, waysOut }]
  })
  return [...alternatives, ...links]
}
