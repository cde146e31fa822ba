import type { UserDeclaration } from '../definition/definition.ts'
import type { Group } from '../effects/effect.ts'
import type { Conflict } from './conflict.ts'
import { memberAt } from './declaration-places.ts'
import type { Meeting } from './definition-conflicts.ts'

const WAYS_OUT = 'take another name or number, or change the base: files may already belong to the one it has'

/** Accounts and groups that both sides declare, but not as the same. */
export function accountConflicts({ base, over, baseName, overName }: Meeting): readonly Conflict[] {
  const user = (wanted: UserDeclaration) =>
    overName(({ users }) => memberAt(users, ['accounts', 'users'], ({ name }) => name === wanted.name))
  const group = (wanted: Group) =>
    overName(({ groups }) => memberAt(groups, ['accounts', 'groups'], ({ name }) => name === wanted.name))
  return [
    ...over.users.flatMap((own): Conflict[] => {
      const named = base.users.find(({ name }) => name === own.name)
      if (named !== undefined && named.uid !== own.uid) {
        const sides = `${baseName} has the account ${own.name} with uid ${named.uid}, ${user(own)} with uid ${own.uid}`
        return [{ kind: 'account', sides, waysOut: WAYS_OUT }]
      }
      const numbered = base.users.find(({ uid, name }) => uid === own.uid && name !== own.name)
      if (numbered === undefined) return []
      const sides = `${baseName} gives uid ${own.uid} to the account ${numbered.name}, ${user(own)} to ${own.name}`
      return [{ kind: 'account', sides, waysOut: WAYS_OUT }]
    }),
    ...over.groups.flatMap((own): Conflict[] => {
      const named = base.groups.find(({ name }) => name === own.name)
      if (named !== undefined && named.gid !== own.gid) {
        const sides = `${baseName} has the group ${own.name} with gid ${named.gid}, ${group(own)} with gid ${own.gid}`
        return [{ kind: 'group', sides, waysOut: WAYS_OUT }]
      }
      const numbered = base.groups.find(({ gid, name }) => gid === own.gid && name !== own.name)
      if (numbered === undefined) return []
      const sides = `${baseName} gives gid ${own.gid} to the group ${numbered.name}, ${group(own)} to ${own.name}`
      return [{ kind: 'group', sides, waysOut: WAYS_OUT }]
    }),
  ]
}
