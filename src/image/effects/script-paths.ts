import type { ScriptAction } from '../scripts/action.ts'
import { type AccountIds, accountIds } from './account-database.ts'
import type { Effect, EffectContext, EffectEntry } from './effect.ts'
import { changeMode } from './file-mode.ts'

type Writable = Extract<EffectEntry, { type: 'file' | 'directory' | 'symlink' }>

/**
 * Directories, files, links, owners and modes that maintainer scripts make with mkdir, touch, ln, chown and chmod, replayed
 * in order on a picture of the result. A path that another effect already made stays as that effect has it.
 */
export const scriptPaths: Effect = {
  name: 'script-paths',
  summary: 'Makes the directories, files and links that maintainer scripts make, with their owners and modes.',
  apply(context) {
    const ids = accountIds(context)
    const made = new Map<string, Writable>()
    const changed = new Map<string, { mode?: number; uid?: number; gid?: number }>()
    const removed = new Set<string>()
    for (const action of context.actions) replay(action, { context, ids, made, changed, removed })
    return [
      ...[...removed].map((path) => ({ type: 'removal', path }) as const),
      ...[...made.values()].sort((left, right) => (left.path < right.path ? -1 : 1)),
      ...[...changed].map(([path, metadata]) => ({ type: 'metadata', path, ...metadata }) as const),
    ]
  },
}

interface Picture {
  readonly context: EffectContext
  readonly ids: AccountIds
  readonly made: Map<string, Writable>
  readonly changed: Map<string, { mode?: number; uid?: number; gid?: number }>
  readonly removed: Set<string>
}

function replay(action: ScriptAction, picture: Picture): void {
  const { context, made, removed } = picture
  switch (action.kind) {
    case 'directory': {
      if (exists(action.path, picture)) return
      const mode = changeMode(0o755, action.mode ?? '755', true)
      made.set(action.path, { type: 'directory', path: action.path, mode, uid: 0, gid: 0 })
      return
    }
    case 'file': {
      if (exists(action.path, picture) && !made.has(action.path)) return
      const content = new TextEncoder().encode(action.content)
      made.set(action.path, { type: 'file', path: action.path, mode: action.mode, uid: 0, gid: 0, content })
      return
    }
    case 'copy': {
      const source = context.tree.resolve(action.source)
      const entry = source === undefined ? undefined : context.tree.get(source)
      if (source === undefined || entry === undefined || exists(action.path, picture)) return
      const content = context.read(source)
      made.set(action.path, { type: 'file', path: action.path, mode: entry.mode & 0o777, uid: 0, gid: 0, content })
      return
    }
    case 'link':
      if (!exists(action.path, picture))
        made.set(action.path, { type: 'symlink', path: action.path, target: action.target })
      return
    case 'removal':
      if (!made.delete(action.path) && isOfPackage(action.path, context)) removed.add(action.path)
      return
    case 'mode':
      changeMetadata(action.path, picture, ({ mode, isDirectory }) => ({
        mode: changeMode(mode, action.mode, isDirectory),
      }))
      return
    case 'owner': {
      const uid = action.user === undefined ? undefined : picture.ids.user(action.user)
      const gid = action.group === undefined ? undefined : picture.ids.group(action.group)
      changeMetadata(action.path, picture, () => ({
        ...(uid === undefined ? {} : { uid }),
        ...(gid === undefined ? {} : { gid }),
      }))
      return
    }
    default:
      return
  }
}

function exists(path: string, { context, made, removed }: Picture): boolean {
  return made.has(path) || (!removed.has(path) && context.tree.resolve(path) !== undefined) || isLink(path, context)
}

function isLink(path: string, { tree }: EffectContext): boolean {
  return tree.get(path)?.type === 'symlink'
}

function isOfPackage(path: string, { tree }: EffectContext): boolean {
  return tree.get(path)?.origin.kind === 'package'
}

function changeMetadata(
  path: string,
  { context, made, changed }: Picture,
  change: (now: { mode: number; isDirectory: boolean }) => { mode?: number; uid?: number; gid?: number },
): void {
  const own = made.get(path)
  if (own !== undefined) {
    if (own.type !== 'symlink')
      made.set(path, { ...own, ...change({ mode: own.mode, isDirectory: own.type === 'directory' }) })
    return
  }
  const resolved = context.tree.resolve(path)
  const entry = resolved === undefined ? undefined : context.tree.get(resolved)
  if (entry === undefined) return
  const before = changed.get(entry.path)
  const mode = before?.mode ?? entry.mode
  changed.set(entry.path, { ...before, ...change({ mode, isDirectory: entry.type === 'directory' }) })
}
