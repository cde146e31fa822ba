import { parentPath } from '#core'
import type { TreeEntry } from './tree.ts'

/** How many links a path may cross before it counts as a circle; the kernel's own limit (path_resolution(7)). */
const MAXIMUM_LINKS = 40

/**
 * The path that `path` names once every link in it is followed, in whatever holds the entries that `get` gives;
 * `undefined` when it leads nowhere or in a circle. See `Tree.resolve`.
 */
export function followLinks(path: string, get: (path: string) => TreeEntry | undefined): string | undefined {
  const pending = path.split('/').reverse()
  let resolved = ''
  let links = 0
  while (pending.length > 0) {
    const component = pending.pop()
    if (component === undefined || component === '' || component === '.') continue
    if (component === '..') {
      resolved = parentPath(resolved)
      continue
    }
    const candidate = `${resolved}/${component}`
    const entry = get(candidate)
    if (entry === undefined) return undefined
    if (entry.type === 'symlink') {
      if (++links > MAXIMUM_LINKS) return undefined
      if (entry.target.startsWith('/')) resolved = ''
      pending.push(...entry.target.split('/').reverse())
    } else if (entry.type !== 'directory' && pending.some((rest) => rest !== '' && rest !== '.')) {
      return undefined
    } else {
      resolved = candidate
    }
  }
  return resolved === '' ? '/' : resolved
}
