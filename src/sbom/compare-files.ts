import { canonicalJson } from '#core'
import type { StateFile } from './image-state.ts'

/** What of a path differs; `owner` are its numbers, `attributes` its extended ones. */
export type FileAspect = 'type' | 'content' | 'target' | 'mode' | 'owner' | 'attributes'

/** A path in which two images differ. Its time is not looked at. */
export interface FileChange {
  readonly path: string
  readonly kind: 'added' | 'removed' | 'changed'
  /** What changed of a path that both images have, in the order of `FileAspect`. */
  readonly aspects: readonly FileAspect[]
  readonly from: StateFile | undefined
  readonly to: StateFile | undefined
}

/** What changed of one package's files, by number. */
export interface PackageFileCounts {
  readonly package: string
  readonly added: number
  readonly removed: number
  readonly changed: number
}

/** How two images' files differ; every list by path, or by package. */
export interface FileComparison {
  /** Paths that no package has on either side. */
  readonly outside: readonly FileChange[]
  /** Paths of packages that are on both sides in the same version, and yet differ. */
  readonly unexpected: readonly FileChange[]
  /** Files of packages that were added, removed or changed themselves; folders are not counted. */
  readonly packages: readonly PackageFileCounts[]
  /** Paths that both images have, of any package or none, with other bits or owners. */
  readonly permissions: readonly FileChange[]
  /** Files that lend rights to who runs them, by setuid, setgid or capabilities, and did not before. */
  readonly privilegesGained: readonly FileChange[]
  readonly privilegesLost: readonly FileChange[]
}

const CAPABILITIES = 'security.capability'

/**
 * Compares files; `changedPackages` are the names of those that differ themselves. Of folders that only one side has,
 * the ones with something in them go without saying.
 */
export function compareFiles(
  from: readonly StateFile[],
  to: readonly StateFile[],
  changedPackages: ReadonlySet<string>,
): FileComparison {
  const changes = fileChanges(from, to)
  const counts = new Map<string, { added: number; removed: number; changed: number }>()
  const outside: FileChange[] = []
  const unexpected: FileChange[] = []
  for (const change of changes) {
    const owner = change.to?.owner ?? change.from?.owner
    const place = owner === undefined ? outside : unexpected
    if (owner === undefined || !isOfChanged(change, changedPackages)) place.push(change)
    else if (kindOfFile(change) !== 'directory') {
      const count = counts.get(owner) ?? { added: 0, removed: 0, changed: 0 }
      count[change.kind]++
      counts.set(owner, count)
    }
  }
  return {
    outside,
    unexpected,
    packages: [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => ({ package: name, ...count })),
    permissions: changes.filter(({ aspects }) => aspects.includes('mode') || aspects.includes('owner')),
    privilegesGained: changes.filter(({ from, to }) => exceeds(privilege(to), privilege(from))),
    privilegesLost: changes.filter(({ from, to }) => exceeds(privilege(from), privilege(to))),
  }
}

/** What a file lends to who runs it, as words: `setuid 0`, `setgid 42`, `capabilities 0100…`; empty for most. */
export function privilege(file: StateFile | undefined): readonly string[] {
  if (file?.type !== 'file') return []
  const capabilities = file.attributes[CAPABILITIES]
  return [
    ...((file.mode & 0o4000) === 0 ? [] : [`setuid ${file.uid}`]),
    ...((file.mode & 0o2000) === 0 ? [] : [`setgid ${file.gid}`]),
    ...(capabilities === undefined ? [] : [`capabilities ${capabilities}`]),
  ]
}

function exceeds(more: readonly string[], less: readonly string[]): boolean {
  return more.some((word) => !less.includes(word))
}

function isOfChanged({ from, to }: FileChange, changed: ReadonlySet<string>): boolean {
  return [from?.owner, to?.owner].some((owner) => owner !== undefined && changed.has(owner))
}

function kindOfFile({ from, to }: FileChange): StateFile['type'] | undefined {
  return to?.type ?? from?.type
}

function fileChanges(from: readonly StateFile[], to: readonly StateFile[]): readonly FileChange[] {
  const left = new Map(from.map((file) => [file.path, file]))
  const right = new Map(to.map((file) => [file.path, file]))
  const isFilled = (files: readonly StateFile[]) => {
    const folders = new Set(files.map(({ path }) => path.slice(0, path.lastIndexOf('/'))))
    return (file: StateFile) => file.type === 'directory' && folders.has(file.path)
  }
  const [isFilledLeft, isFilledRight] = [isFilled(from), isFilled(to)]
  const removed = from
    .filter((file) => !right.has(file.path) && !isFilledLeft(file))
    .map((file): FileChange => ({ path: file.path, kind: 'removed', aspects: [], from: file, to: undefined }))
  const others = to.flatMap((file): readonly FileChange[] => {
    const before = left.get(file.path)
    if (before === undefined) {
      return isFilledRight(file) ? [] : [{ path: file.path, kind: 'added', aspects: [], from: undefined, to: file }]
    }
    const aspects = aspectsOf(before, file)
    return aspects.length === 0 ? [] : [{ path: file.path, kind: 'changed', aspects, from: before, to: file }]
  })
  return [...removed, ...others].sort((a, b) => (a.path < b.path ? -1 : 1))
}

function aspectsOf(from: StateFile, to: StateFile): readonly FileAspect[] {
  const isLink = from.type === 'symlink' && to.type === 'symlink'
  const differs: Readonly<Record<FileAspect, boolean>> = {
    type: from.type !== to.type,
    content: from.type === to.type && from.digest !== to.digest,
    target: isLink && from.target !== to.target,
    // The bits of a symbolic link mean nothing.
    mode: from.type === to.type && !isLink && from.mode !== to.mode,
    owner: from.uid !== to.uid || from.gid !== to.gid,
    attributes: canonicalJson(from.attributes) !== canonicalJson(to.attributes),
  }
  return (['type', 'content', 'target', 'mode', 'owner', 'attributes'] as const).filter((aspect) => differs[aspect])
}
