import { digestOf, parentPath } from '#core'
import { ImageError } from '../errors.ts'
import { followLinks } from '../links.ts'
import type { Origin, Tree, TreeEntry } from '../tree.ts'
import type { EffectEntry } from './effect.ts'

/** A path that an effect changed, as it stands now; `undefined` when it took the path away. */
export interface EffectChange {
  readonly path: string
  readonly effect: string
  readonly entry: TreeEntry | undefined
  /** The bytes of a file that the effect itself wrote; a file whose metadata alone changed has none. */
  readonly content?: Uint8Array
}

/** Permissions and owners to give, as far as they are given. */
interface MetadataChange {
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly replace?: boolean
}

/** A tree with what effects did to it so far. Refuses, naming both sides, what would silently overwrite. */
export class Overlay implements Tree {
  readonly #changes = new Map<string, EffectChange>()
  /** The names that effects added to a directory or took away from it. */
  readonly #changedNames = new Map<string, Set<string>>()
  readonly #base: Tree
  readonly #readBase: (path: string) => Uint8Array
  readonly #epoch: number

  /** `epoch` is the time, in seconds, of every path that an effect writes. */
  constructor(base: Tree, readBase: (path: string) => Uint8Array, epoch: number) {
    this.#base = base
    this.#readBase = readBase
    this.#epoch = epoch
  }

  get(path: string): TreeEntry | undefined {
    const change = this.#changes.get(path)
    return change === undefined ? this.#base.get(path) : change.entry
  }

  resolve(path: string): string | undefined {
    return followLinks(path, (at) => this.get(at))
  }

  list(directory: string): readonly string[] {
    const base = this.#base.list(directory)
    const changed = this.#changedNames.get(directory)
    if (changed === undefined) return base
    const prefix = directory === '/' ? '/' : `${directory}/`
    return [...new Set([...base, ...changed])].filter((name) => this.get(prefix + name) !== undefined).sort()
  }

  *entries(): Iterable<TreeEntry> {
    const kept = [...this.#base.entries()].filter((entry) => !this.#changes.has(entry.path))
    const written = [...this.#changes.values()].flatMap(({ entry }) => entry ?? [])
    yield* [...kept, ...written].sort((left, right) => (left.path < right.path ? -1 : 1))
  }

  /** Every changed path, in code-unit order. */
  get changes(): readonly EffectChange[] {
    return [...this.#changes.values()].sort((left, right) => (left.path < right.path ? -1 : 1))
  }

  /** The bytes of a regular file or hard link, by the path that `tree.resolve` gives. */
  read(path: string): Uint8Array {
    const content = this.#changes.get(path)?.content
    return content ?? this.#readBase(path)
  }

  /**
   * Applies what one effect asks for, in its order. Throws `EFFECT_CONFLICT`, and `EFFECT_INVALID` for a path in a form that
   * would make another path of it: two names of one path would be two entries of a layer.
   */
  apply(effect: string, entries: readonly EffectEntry[]): void {
    for (const entry of entries) {
      if (!/^(?:\/|(?:\/(?!\.{0,2}(?:\/|$))[^/]+)+)$/.test(entry.path)) {
        throw new ImageError('EFFECT_INVALID', `cannot apply effect ${effect}: ${entry.path} is no plain absolute path`)
      }
      const path = this.#place(effect, entry.path)
      if (entry.type === 'removal') this.#remove(effect, path)
      else if (entry.type === 'metadata') this.#setMetadata(effect, path, entry)
      else this.#write(effect, this.#toTreeEntry(effect, path, entry), 'content' in entry ? entry.content : undefined)
    }
  }

  /** The path with links in its parents followed, after making the parents that are missing. */
  #place(effect: string, path: string): string {
    const parent = parentPath(path)
    if (parent === '') return path
    const above = this.#place(effect, parent)
    const found = this.#follow(above)
    if (found === undefined) {
      this.#write(effect, { ...this.#metadata(effect, above, 0o755), type: 'directory' })
      return above + path.slice(parent.length)
    }
    const entry = this.get(found)
    if (entry !== undefined && entry.type !== 'directory')
      throw this.#conflict(effect, path, entry, `${found} is a file`)
    return (found === '/' ? '' : found) + path.slice(parent.length)
  }

  #follow(path: string): string | undefined {
    const entry = this.get(path)
    return entry?.type === 'symlink' ? this.resolve(path) : entry && path
  }

  #write(effect: string, entry: TreeEntry, content?: Uint8Array): void {
    const existing = this.get(entry.path)
    if (existing !== undefined) {
      if (isSame(existing, entry)) return
      throw this.#conflict(effect, entry.path, existing, `it would become a different ${entry.type}`)
    }
    this.#change({ path: entry.path, effect, entry, ...(content === undefined ? {} : { content }) })
  }

  #remove(effect: string, path: string): void {
    const existing = this.get(path)
    if (existing === undefined) return
    const [child] = existing.type === 'directory' ? this.list(path) : []
    if (child !== undefined) throw this.#conflict(effect, path, existing, `the directory still holds ${child}`)
    this.#change({ path, effect, entry: undefined })
  }

  #setMetadata(effect: string, path: string, { replace = false, ...wanted }: MetadataChange): void {
    const target = this.resolve(path)
    const existing = target === undefined ? undefined : this.get(target)
    if (target === undefined || existing === undefined) {
      throw new ImageError('EFFECT_INVALID', `cannot apply effect ${effect}: ${path} does not exist, so it has no mode`)
    }
    if (existing.type === 'hardlink') {
      this.#setMetadata(effect, existing.target, { ...wanted, replace })
      return
    }
    const entry = { ...existing, ...definedOnly(wanted) }
    if (isSame(existing, entry)) return
    const earlier = this.#changes.get(target)
    const isOthers = earlier !== undefined && earlier.effect !== effect && existing.origin.kind === 'package'
    if (isOthers && !replace) {
      throw this.#conflict(effect, path, existing, `effect ${earlier.effect} already gave it ${owned(existing)}`)
    }
    this.#change({ ...earlier, path: target, effect, entry })
  }

  #toTreeEntry(effect: string, path: string, entry: Exclude<EffectEntry, { type: 'metadata' | 'removal' }>): TreeEntry {
    if (entry.type === 'symlink') {
      return { ...this.#metadata(effect, path, 0o777), type: 'symlink', target: entry.target }
    }
    const metadata = { ...this.#metadata(effect, path, entry.mode), uid: entry.uid, gid: entry.gid }
    if (entry.type === 'directory') return { ...metadata, type: 'directory' }
    return { ...metadata, type: 'file', size: entry.content.length, digest: digestOf(entry.content) }
  }

  #metadata(effect: string, path: string, mode: number) {
    const origin: Origin = { kind: 'effect', name: effect }
    return { path, mode, uid: 0, gid: 0, mtime: this.#epoch, origin }
  }

  #change(change: EffectChange): void {
    this.#changes.set(change.path, change)
    const directory = parentPath(change.path) || '/'
    const names = this.#changedNames.get(directory) ?? new Set()
    this.#changedNames.set(directory, names.add(change.path.slice(change.path.lastIndexOf('/') + 1)))
  }

  #conflict(effect: string, path: string, existing: TreeEntry, reason: string): ImageError {
    const { origin } = existing
    const owner = origin.kind === 'definition' ? 'the definition' : `${origin.kind} ${origin.name}`
    return new ImageError(
      'EFFECT_CONFLICT',
      `cannot apply effect ${effect} to ${path}: ${owner} has a ${existing.type} there (${owned(existing)}); ${reason}`,
    )
  }
}

/** Tells whether two entries of one path are alike in all that an image shows, times and origin aside. */
function isSame(left: TreeEntry, right: TreeEntry): boolean {
  if (left.type === 'symlink' && right.type === 'symlink') return left.target === right.target
  if (owned(left) !== owned(right)) return false
  if (left.type === 'file' && right.type === 'file') return left.digest === right.digest
  return left.type === 'directory' && right.type === 'directory'
}

function owned({ mode, uid, gid }: TreeEntry): string {
  return `${mode.toString(8).padStart(4, '0')} ${uid}:${gid}`
}

function definedOnly({ mode, uid, gid }: { mode?: number; uid?: number; gid?: number }) {
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  }
}
