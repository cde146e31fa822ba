import type { Tree, TreeEntry } from './tree.ts'

/** How many links a path may cross before it counts as a circle; the kernel's own limit (path_resolution(7)). */
const MAXIMUM_LINKS = 40

/** A tree held in memory, the only place where the packages of an image are ever merged. */
export class MemoryTree implements Tree {
  readonly #entries: ReadonlyMap<string, TreeEntry>
  #children: Map<string, string[]> | undefined

  /** Takes entries in any order; of two with one path, the later. Missing parents are not made up. */
  constructor(entries: Iterable<TreeEntry>) {
    const byPath = new Map<string, TreeEntry>()
    for (const entry of entries) byPath.set(entry.path, entry)
    this.#entries = byPath
  }

  get(path: string): TreeEntry | undefined {
    return this.#entries.get(path)
  }

  resolve(path: string): string | undefined {
    const pending = path.split('/').reverse()
    let resolved = ''
    let links = 0
    while (pending.length > 0) {
      const component = pending.pop()
      if (component === undefined || component === '' || component === '.') continue
      if (component === '..') {
        resolved = parentOf(resolved)
        continue
      }
      const candidate = `${resolved}/${component}`
      const entry = this.#entries.get(candidate)
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

  list(directory: string): readonly string[] {
    this.#children ??= childrenOf(this.#entries.keys())
    return this.#children.get(directory === '/' ? '' : directory) ?? []
  }

  *entries(): Iterable<TreeEntry> {
    for (const path of [...this.#entries.keys()].sort()) {
      const entry = this.#entries.get(path)
      if (entry !== undefined) yield entry
    }
  }
}

/** The directory a path lies in, as text: `/usr` for `/usr/bin`, the empty text for `/usr` and for itself. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

function childrenOf(paths: Iterable<string>): Map<string, string[]> {
  const children = new Map<string, string[]>()
  for (const path of paths) {
    const parent = parentOf(path)
    const names = children.get(parent)
    const name = path.slice(parent.length + 1)
    if (names === undefined) children.set(parent, [name])
    else names.push(name)
  }
  for (const names of children.values()) names.sort()
  return children
}
