import { isWhiteoutPath } from '#core'
import { type ImageFile, ImageFiles } from '#oci'
import { ImageError } from '../errors.ts'
import { matchesGlob } from './glob.ts'

/** Which paths of a tree are wanted. */
export interface Selection {
  /** A file or folder of the tree, absolute; links in it are followed inside the tree. */
  readonly from: string
  /** Patterns of paths below that folder, see `matchesGlob`; all where there is none. What is below such a path is wanted too. */
  readonly include: readonly string[]
  /** Patterns of paths that are not wanted, nor what is below them. */
  readonly exclude: readonly string[]
}

/** A path that is wanted. */
export interface SelectedPath {
  /** Below what was selected from: `/lib/x.so`; empty for that folder or file itself. */
  readonly place: string
  readonly type: 'directory' | 'file' | 'symlink'
  /** Mode and owner; of a hard link those of the file that it is a name of. */
  readonly file: ImageFile
  /** Of a file: the path whose content it has, as the tree itself has it. */
  readonly content: string
  /** Of a link: its text, or where an absolute one leads below what was selected from. */
  readonly target: { readonly text: string } | { readonly place: string } | undefined
}

const MAX_PATHS = 100_000

/**
 * Chooses paths of a tree, in code-unit order. Links lead inside what is chosen, or are refused. `name` is what messages call
 * the tree. Throws `SOURCE_INVALID` where a path or a pattern matches nothing, and for what no image can have of elsewhere: a
 * device, a link that leads out, a path below a file.
 */
export function selectPaths(tree: ImageFiles, selection: Selection, name: string): readonly SelectedPath[] {
  const refuse = (reason: string) => new ImageError('SOURCE_INVALID', `cannot take in ${name}: ${reason}`)
  const whole = withFolders(tree)
  const { files } = whole
  const root = selection.from === '/' ? '/' : files.resolve(selection.from)?.path
  const found = root === undefined ? undefined : files.get(root)
  if (root === undefined || found === undefined) throw refuse(missingPath(files, selection.from))
  if (found.type === 'directory') return new FolderSelection(whole, { selection, root, refuse }).run()
  if (selection.include.length + selection.exclude.length > 0) {
    throw refuse(`${selection.from} is a file, and \`include\` and \`exclude\` choose from a folder`)
  }
  return [{ place: '', type: 'file', ...contentOf(whole, found, refuse), target: undefined }]
}

type Refuse = (reason: string) => ImageError

/** Which file a file or hard link has its content of. */
function contentOf(
  { files, writtenAs }: WholeTree,
  file: ImageFile,
  refuse: Refuse,
): { file: ImageFile; content: string } {
  if (file.type === 'file') return { file, content: writtenAs.get(file.path) ?? file.path }
  if (file.type !== 'hardlink') throw refuse(`${file.path} is a ${file.type}, want a file, a folder or a link`)
  const other = files.get(file.target)
  if (other?.type !== 'file' || other.layer !== file.layer) {
    throw refuse(`${file.path} is another name of ${file.target}, which is not there any more`)
  }
  return { file: other, content: writtenAs.get(other.path) ?? other.path }
}

class FolderSelection {
  readonly #tree: WholeTree
  readonly #files: ImageFiles
  readonly #selection: Selection
  readonly #refuse: Refuse
  /** What every path of the folder begins with. */
  readonly #prefix: string
  readonly #used = new Set<string>()

  constructor(tree: WholeTree, { selection, root, refuse }: { selection: Selection; root: string; refuse: Refuse }) {
    this.#tree = tree
    this.#files = tree.files
    this.#selection = selection
    this.#refuse = refuse
    this.#prefix = root === '/' ? '/' : `${root}/`
  }

  run(): readonly SelectedPath[] {
    const { include } = this.#selection
    const isBelow = (path: string) => path.startsWith(this.#prefix) && path !== '/'
    const wanted = [...this.#files.entries()].filter(({ path }) => isBelow(path) && this.#isWanted(path))
    const unused = include.find((pattern) => !this.#used.has(pattern))
    if (unused !== undefined) throw this.#refuse(`nothing in ${this.#prefix} matches \`include: ${unused}\``)
    if (wanted.length === 0) throw this.#refuse(`nothing in ${this.#prefix} is left to take`)
    if (wanted.length > MAX_PATHS) throw this.#refuse(`${wanted.length} paths are more than the ${MAX_PATHS} allowed`)
    const kept = new Map(wanted.map((file) => [file.path, file]))
    for (const { path } of wanted) this.#keepParents(path, kept)
    const selected = [...kept.values()].map((file) => this.#selected(file, kept))
    return [this.#top(), ...selected].sort((left, right) => (left.place < right.place ? -1 : 1))
  }

  #top(): SelectedPath {
    const file = this.#files.get(this.#prefix === '/' ? '/' : this.#prefix.slice(0, -1))
    if (file === undefined) throw this.#refuse(`it has no ${this.#prefix}`)
    return { place: '', type: 'directory', file, content: '', target: undefined }
  }

  #isWanted(path: string): boolean {
    const { include, exclude } = this.#selection
    const names = placesOf(path.slice(this.#prefix.length))
    if (exclude.some((pattern) => names.some((name) => matchesGlob(pattern, name)))) return false
    const matching = include.filter((pattern) => names.some((name) => matchesGlob(pattern, name)))
    for (const pattern of matching) this.#used.add(pattern)
    return include.length === 0 || matching.length > 0
  }

  #keepParents(path: string, kept: Map<string, ImageFile>): void {
    for (let end = path.lastIndexOf('/'); end >= this.#prefix.length; end = path.lastIndexOf('/', end - 1)) {
      const parent = this.#files.get(path.slice(0, end))
      if (parent?.type !== 'directory') {
        throw this.#refuse(
          `${path} lies below ${path.slice(0, end)}, which is a ${parent?.type ?? 'path that is not there'}`,
        )
      }
      kept.set(parent.path, parent)
    }
  }

  #selected(file: ImageFile, kept: ReadonlyMap<string, ImageFile>): SelectedPath {
    const place = file.path.slice(this.#prefix.length - 1)
    if (isWhiteoutPath(place)) throw this.#refuse(`the name ${file.path} would delete what lies below it in an image`)
    if (file.type === 'directory') return { place, type: 'directory', file, content: '', target: undefined }
    if (file.type === 'symlink') return { place, type: 'symlink', file, content: '', target: this.#target(file, kept) }
    return { place, type: 'file', ...contentOf(this.#tree, file, this.#refuse), target: undefined }
  }

  #target({ path, target }: ImageFile, kept: ReadonlyMap<string, ImageFile>): SelectedPath['target'] {
    const leads = this.#files.resolve(path)?.path
    const isInside = leads !== undefined && (kept.has(leads) || `${leads}/` === this.#prefix)
    const isPlaced = !target.startsWith('/') || `${target}/`.startsWith(this.#prefix)
    if (isInside && isPlaced) {
      return target.startsWith('/') ? { place: target.slice(this.#prefix.length - 1) } : { text: target }
    }
    const where = leads === undefined ? 'nowhere' : 'out of what is taken in'
    throw this.#refuse(`the link ${path} to ${target} leads ${where}; exclude it, or take in what it leads to as well`)
  }
}

/** A path and every folder above it: `a/b/c`, `a/b`, `a`. */
function placesOf(path: string): readonly string[] {
  const names = path.split('/')
  return names.map((_, index) => names.slice(0, names.length - index).join('/'))
}

interface WholeTree {
  readonly files: ImageFiles
  /** The paths of files that stand elsewhere than the tree has them. */
  readonly writtenAs: ReadonlyMap<string, string>
}

/** The same tree with the folders that no entry speaks of, and each path below the folder that links in it lead to. */
function withFolders(tree: ImageFiles): WholeTree {
  const files = new Map<string, ImageFile>()
  const writtenAs = new Map<string, string>()
  for (const file of tree.entries()) {
    const path = realPath(tree, file.path)
    if (path === file.path) writtenAs.delete(path)
    else if (files.has(path)) continue
    else writtenAs.set(path, file.path)
    files.set(path, { ...file, path })
  }
  const folder = { type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0, target: '', layer: 0 } as const
  for (const path of [...files.keys()]) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const parent = path.slice(0, end)
      if (!files.has(parent)) files.set(parent, { ...folder, path: parent, xattrs: new Map() })
    }
  }
  if (files.get('/')?.type !== 'file') files.set('/', { ...folder, path: '/', xattrs: new Map() })
  return { files: new ImageFiles(files), writtenAs }
}

/** A layer may write below a link of a lower layer; whoever unpacks it ends up where the link leads. */
function realPath(tree: ImageFiles, path: string): string {
  const slash = path.lastIndexOf('/')
  const folder = path.slice(0, slash)
  if (folder === '' || tree.get(folder)?.type === 'directory') return path
  const real = tree.resolve(folder)
  return real?.type === 'directory' ? `${real.path}${path.slice(slash)}` : path
}

/** What is wrong with a path that is not there, with what is there instead. */
function missingPath(files: ImageFiles, path: string): string {
  let folder = path
  while (folder !== '' && files.resolve(folder)?.type !== 'directory') folder = folder.slice(0, folder.lastIndexOf('/'))
  const prefix = folder === '' ? '/' : `${files.resolve(folder)?.path}/`
  const names = new Set<string>()
  for (const file of files.entries()) {
    const [name = ''] = file.path.startsWith(prefix) ? file.path.slice(prefix.length).split('/') : []
    if (name !== '') names.add(name)
  }
  const listed = [...names].sort()
  const shown = listed.slice(0, 12).join(', ')
  return `it has no ${path}; ${prefix} has ${shown}${listed.length > 12 ? ` and ${listed.length - 12} more` : ''}`
}
