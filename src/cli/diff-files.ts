import { type FileAspect, type FileChange, privilege, type StateFile } from '#sbom'
import { formatBytes } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** A list of more rows has folders in place of what was added or removed in them. */
const FOLD_FROM = 25
/** Files of a folder that one row may stand for. */
const FOLD_FILES = 4
const SIGNS = { added: '+', removed: '-', changed: '~' } as const
const NONE = '–'

type Row = readonly [sign: string, what: string, owner: string, path: string]

/**
 * Rows of changed paths, by path: sign, what, package, path. In a long list one row stands for what was added to a folder, or
 * removed from it. Changes of nothing but mode or owner have rows of their own elsewhere and are left out.
 */
export function fileRows(changes: readonly FileChange[]): readonly Row[] {
  const shown = changes.filter(({ kind, aspects }) => kind !== 'changed' || !aspects.every(isPermission))
  if (shown.length <= FOLD_FROM) return shown.map(fileRow)
  const deepest = Math.max(...shown.map(({ path }) => depthOf(path)))
  let rows: readonly Row[] = []
  for (let depth = deepest; depth >= 2; depth--) {
    rows = foldedRows(shown, depth)
    if (rows.length <= FOLD_FROM) break
  }
  return rows
}

/** Rows of paths whose rights changed: from, to, package, path. */
export function permissionRows(changes: readonly FileChange[]): readonly (readonly string[])[] {
  return changes.map(({ path, from, to }) => [permissions(from), permissions(to), ownerOf(to, from), visibleText(path)])
}

/** Rows of files that lend rights: what, package, path. */
export function privilegeRows(changes: readonly FileChange[]): readonly (readonly string[])[] {
  return changes.map(({ path, from, to }) => {
    const gained = privilege(to)
    const words = gained.length > 0 ? gained : privilege(from)
    return [words.join(', '), ownerOf(to, from), visibleText(path)]
  })
}

function foldedRows(changes: readonly FileChange[], depth: number): readonly Row[] {
  const groups = new Map<string, FileChange[]>()
  for (const change of changes) {
    const { kind, path, from, to } = change
    const place = kind === 'changed' ? path : folderOf(path, depth)
    const key = JSON.stringify([place, kind, ownerOf(to, from)])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [change])
    else group.push(change)
  }
  return [...groups.values()].flatMap((group): readonly Row[] => {
    const [first] = group
    if (first === undefined || group.length < FOLD_FILES) return group.map(fileRow)
    const bytes = group.reduce((sum, { from, to }) => sum + ((to ?? from)?.size ?? 0), 0)
    const what = `${group.length} paths, ${formatBytes(bytes)}`
    return [[SIGNS[first.kind], what, ownerOf(first.to, first.from), `${visibleText(folderOf(first.path, depth))}/…`]]
  })
}

/** The folder that a path lies in, or the one above it with so many parts. */
function folderOf(path: string, depth: number): string {
  return path
    .split('/')
    .slice(0, -1)
    .slice(0, depth + 1)
    .join('/')
}

function depthOf(path: string): number {
  return path.split('/').length - 2
}

function fileRow({ path, kind, aspects, from, to }: FileChange): Row {
  const what = kind === 'changed' ? changedWhat(aspects, from, to) : describe(to ?? from)
  const target = (to ?? from)?.target ?? ''
  const before = aspects.includes('target') ? `, before → ${from?.target}` : ''
  const full = target === '' ? path : `${path} → ${target}${before}`
  return [SIGNS[kind], what, ownerOf(to, from), visibleText(full)]
}

function changedWhat(aspects: readonly FileAspect[], from: StateFile | undefined, to: StateFile | undefined): string {
  return aspects.map((aspect) => (aspect === 'type' ? `${from?.type} → ${to?.type}` : aspect)).join(', ')
}

function describe(file: StateFile | undefined): string {
  if (file?.type === 'symlink') return 'link'
  return file?.type === 'file' ? formatBytes(file.size) : (file?.type ?? '')
}

function isPermission(aspect: FileAspect): boolean {
  return aspect === 'mode' || aspect === 'owner'
}

function permissions(file: StateFile | undefined): string {
  return file === undefined ? NONE : `${file.mode.toString(8).padStart(4, '0')} ${file.uid}:${file.gid}`
}

function ownerOf(file: StateFile | undefined, other: StateFile | undefined): string {
  return visibleText(file?.owner ?? other?.owner ?? NONE)
}
