import type { ImageFile, ImageFiles } from '#oci'

/** What of a path can differ between two images, times left aside. */
export type Aspect = 'type' | 'mode' | 'owner' | 'target' | 'content' | 'attributes'

/** What is another one in the new base than in the old: paths that come, go, or change. */
export class BaseChanges {
  readonly old: ImageFiles
  readonly next: ImageFiles
  /** What changed, sorted. */
  readonly paths: readonly string[]
  readonly #known: ReadonlySet<string>

  constructor(old: ImageFiles, next: ImageFiles) {
    this.old = old
    this.next = next
    const changed = [...old.entries()].filter(({ path }) => !isSame(path, old, next)).map(({ path }) => path)
    const added = [...next.entries()].filter(({ path }) => old.get(path) === undefined).map(({ path }) => path)
    this.paths = [...changed, ...added].sort()
    this.#known = new Set(this.paths)
  }

  has(path: string): boolean {
    return this.#known.has(path)
  }

  /** The first changed path below a directory, in the order of paths. */
  below(directory: string): string | undefined {
    const prefix = directory === '/' ? '/' : `${directory}/`
    let [low, high] = [0, this.paths.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.paths[middle] ?? '') < prefix) low = middle + 1
      else high = middle
    }
    const found = this.paths[low]
    return found?.startsWith(prefix) ? found : undefined
  }

  /** What became of a path, in words. */
  describe(path: string): string {
    const [from, to] = [this.old.get(path), this.next.get(path)]
    if (from === undefined) return to === undefined ? 'in neither base' : `new: ${describeFile(to)}`
    if (to === undefined) return 'gone'
    const aspects = differences(from, to, (file) => digestOf(file, file === from ? this.old : this.next))
    if (aspects.length === 0) return 'as it was'
    return `${aspects.join(', ')} changed: ${describeFile(from)} → ${describeFile(to)}`
  }
}

/** Whether an entry is, times left aside, the same as another image's at its path. */
export function isSameEntry(left: ImageFile, right: ImageFile | undefined): boolean {
  return right !== undefined && differences(left, right, (file) => file.digest).length === 0
}

/** What an entry is, in words: `file 0644 0:0 3fa1c2d4e5f6`. */
export function describeFile({ type, mode, uid, gid, target, digest }: ImageFile): string {
  const what = target !== '' ? ` to ${target}` : digest === undefined ? '' : ` ${digest.slice('sha256:'.length, 19)}`
  return `${type} ${mode.toString(8).padStart(4, '0')} ${uid}:${gid}${what}`
}

function isSame(path: string, old: ImageFiles, next: ImageFiles): boolean {
  const [from, to] = [old.get(path), next.get(path)]
  if (from === undefined || to === undefined) return false
  if (from === to) return true
  return differences(from, to, (file) => digestOf(file, file === from ? old : next)).length === 0
}

/** Of a hard link whose file is in another layer, that file's digest. */
function digestOf(file: ImageFile, files: ImageFiles): string | undefined {
  return file.digest ?? (file.type === 'hardlink' ? files.get(file.target)?.digest : undefined)
}

function differences(left: ImageFile, right: ImageFile, digest: (file: ImageFile) => string | undefined): Aspect[] {
  if (left.type !== right.type) return ['type']
  const differs: Readonly<Record<Exclude<Aspect, 'type'>, boolean>> = {
    // Links have no mode of their own; tools write various ones.
    mode: left.type !== 'symlink' && left.mode !== right.mode,
    owner: left.uid !== right.uid || left.gid !== right.gid,
    target: left.target !== right.target,
    content: digest(left) !== digest(right),
    attributes: attributesOf(left) !== attributesOf(right),
  }
  const aspects = ['mode', 'owner', 'target', 'content', 'attributes'] as const
  return aspects.filter((aspect) => differs[aspect])
}

function attributesOf({ xattrs }: ImageFile): string {
  if (xattrs.size === 0) return ''
  const pairs = [...xattrs].map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`)
  return pairs.sort().join('\n')
}
