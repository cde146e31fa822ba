import { parentPath } from '#core'
import { followLinks } from './links.ts'
import type { Tree, TreeEntry } from './tree.ts'

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
    return followLinks(path, (other) => this.#entries.get(other))
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

function childrenOf(paths: Iterable<string>): Map<string, string[]> {
  const children = new Map<string, string[]>()
  for (const path of paths) {
    const parent = parentPath(path)
    const names = children.get(parent)
    const name = path.slice(parent.length + 1)
    if (names === undefined) children.set(parent, [name])
    else names.push(name)
  }
  for (const names of children.values()) names.sort()
  return children
}
