import { posix } from 'node:path'
import { parentPath } from '#core'
import type { ImageFile } from '#oci'
import { type BaseChanges, describeFile, isSameEntry } from './base-changes.ts'
import type { UpperLayers } from './image-tree.ts'
import { REBUILD, type Refusal, type RefusalCode } from './refusal.ts'

/** dpkg's record of packages is merged, not compared. */
export const STATUS_PATH = '/var/lib/dpkg/status'

const HIDES = 'the result of that may depend on what was there'

/**
 * Where an application's layers and a change of the base meet, path by path, in the order of paths: the result would then not be
 * what building anew gives, or nobody can know. What both sides have made the same is no conflict.
 */
export function pathRefusals(upper: UpperLayers, changes: BaseChanges): readonly Refusal[] {
  return [
    ...upper.removed.flatMap((path) => whiteoutRefusal(path, upper, changes)),
    ...upper.opaque.flatMap((path) => opaqueRefusal(path, changes)),
    ...entriesOf(upper).flatMap((file) => entryRefusals(file, upper, changes)),
    ...parentsOf(upper).flatMap((path) => parentRefusal(path, changes)),
    ...siblingRefusals(upper, changes),
  ]
}

function entriesOf({ files }: UpperLayers): readonly ImageFile[] {
  return [...files.entries()].sort((left, right) => (left.path < right.path ? -1 : 1))
}

function whiteoutRefusal(path: string, upper: UpperLayers, changes: BaseChanges): readonly Refusal[] {
  const real = realPath(path, upper, changes)
  const changed = changes.has(real) ? real : changes.below(real)
  if (changed === undefined) return []
  return [refusal('whiteout-changed', path, { application: `takes ${path} away: ${HIDES}`, changed, changes })]
}

function opaqueRefusal(path: string, changes: BaseChanges): readonly Refusal[] {
  const changed = changes.below(path)
  if (changed === undefined) return []
  const application = `hides what ${path} held (opaque whiteout): ${HIDES}`
  return [refusal('opaque-changed', path || '/', { application, changed, changes })]
}

function entryRefusals(file: ImageFile, upper: UpperLayers, changes: BaseChanges): readonly Refusal[] {
  const { path, type } = file
  const application = `has ${describeFile(file)}`
  if (type === 'directory') return directoryRefusal(file, changes)
  if (type === 'hardlink' && upper.files.get(file.target) === undefined && changes.has(file.target)) {
    const linked = `has it as another name of ${file.target}`
    return [refusal('hard-link-changed', path, { application: linked, changed: file.target, changes })]
  }
  if (path === STATUS_PATH && changes.next.get(path)?.type === 'file' && type === 'file') return []
  const real = realPath(path, upper, changes)
  if (real !== path && (changes.has(real) || changes.below(real) !== undefined)) {
    const through = `${application}, which is ${real} by a link of the base`
    return [refusal('path-both-sides', path, { application: through, changed: real, changes })]
  }
  if (changes.has(path)) {
    if (isSameEntry(file, changes.next.get(path))) return []
    const copied = isSameEntry(file, changes.old.get(path)) ? ', an unchanged copy of the old base’s' : ''
    return [refusal('path-both-sides', path, { application: `${application}${copied}`, changed: path, changes })]
  }
  const changed = changes.below(path)
  return changed === undefined ? [] : [refusal('directory-replaced', path, { application, changed, changes })]
}

/** Layers carry the directories above what they hold, as they were in the old base. */
function directoryRefusal(file: ImageFile, changes: BaseChanges): readonly Refusal[] {
  const { path } = file
  if (!changes.has(path) || isSameEntry(file, changes.next.get(path))) return []
  const [from, to] = [changes.old.get(path), changes.next.get(path)]
  const application = `its layers carry ${describeFile(file)}`
  const isMetadata = to?.type === 'directory' && (from === undefined || from.type === 'directory')
  const code = isMetadata ? 'parent-changed' : 'parent-type'
  return [refusal(code, path, { application, changed: path, changes })]
}

/** Directories above entries and whiteouts that no layer of the application has as an entry of its own, sorted. */
function parentsOf({ files, removed }: UpperLayers): readonly string[] {
  const parents = new Set<string>()
  const gone = new Set(removed)
  for (const { path } of files.entries()) {
    for (
      let above = parentPath(path);
      above !== '' && !parents.has(above) && !gone.has(above);
      above = parentPath(above)
    ) {
      if (files.get(above) === undefined) parents.add(above)
    }
  }
  return [...parents].sort()
}

function parentRefusal(path: string, changes: BaseChanges): readonly Refusal[] {
  const [from, to] = [changes.old.get(path), changes.next.get(path)]
  const isFree = from === undefined && (to === undefined || to.type === 'directory')
  const isKept = from !== undefined && from.type === to?.type && from.target === to.target
  if (isFree || isKept) return []
  return [refusal('parent-type', path, { application: 'has paths below it', changed: path, changes })]
}

/**
 * Directories out of which the application takes entries, or whose entries it gives another mode or owner, and in which the new base
 * has new ones: `rm -rf DIRECTORY/*` and `chown -R` would have reached them, and a layer does not say whether it was that.
 */
function siblingRefusals(upper: UpperLayers, changes: BaseChanges): readonly Refusal[] {
  const added = new Map<string, string>()
  for (const path of changes.paths) {
    if (changes.old.get(path) === undefined && !added.has(parentPath(path))) added.set(parentPath(path), path)
  }
  if (added.size === 0) return []
  const removed = upper.removed.filter((path) => changes.old.get(path) !== undefined)
  const given = entriesOf(upper).filter((file) => isGiven(file, changes.old.get(file.path)))
  const reached = new Map<string, string>()
  for (const path of removed) reached.set(parentPath(path), `takes ${path} out of it`)
  for (const { path } of given) {
    reached.set(parentPath(path), `changes mode or owner of ${path}`)
    reached.set(path, 'changes its mode or owner')
  }
  return [...reached].flatMap(([directory, application]) => {
    const path = added.get(directory)
    if (path === undefined || upper.removed.includes(directory)) return []
    return [refusal('sibling-new', directory || '/', { application, changed: path, changes })]
  })
}

/** Whether an entry is the old base's but for its mode or owner. */
function isGiven(file: ImageFile, old: ImageFile | undefined): boolean {
  if (old === undefined || old.type !== file.type || old.digest !== file.digest || old.target !== file.target)
    return false
  return old.uid !== file.uid || old.gid !== file.gid || (file.type !== 'symlink' && old.mode !== file.mode)
}

/** Where a path lies when runtimes unpack it: links above it that are the base's are followed (some builders write `lib/x`). */
function realPath(path: string, { files }: UpperLayers, { next }: BaseChanges): string {
  for (let above = parentPath(path); above !== ''; above = parentPath(above)) {
    if (files.get(above) !== undefined) return path
    const link = next.get(above)
    if (link?.type !== 'symlink') continue
    // A folder that no layer has as an entry of its own is where the link says.
    const real = next.resolve(above)?.path ?? posix.resolve(parentPath(above) || '/', link.target)
    return `${real}${path.slice(above.length)}`
  }
  return path
}

function refusal(
  code: RefusalCode,
  subject: string,
  { application, changed, changes }: { application: string; changed: string; changes: BaseChanges },
): Refusal {
  const at = changed === subject ? '' : `${changed}: `
  return { code, subject, application, base: `${at}${changes.describe(changed)}`, remedy: REBUILD }
}
