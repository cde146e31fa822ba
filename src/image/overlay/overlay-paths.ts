import { pathsAbove } from '#core'
import type { DefinedPath } from '../definition/definition.ts'
import type { FileContents } from '../definition/load-definition.ts'
import { formatDefinedPath, putTheSame } from '../definition/merge-definitions.ts'
import { entriesFor } from '../definition-paths.ts'
import type { Effect } from '../effects/effect.ts'
import type { Tree, TreeEntry } from '../tree.ts'
import { type Conflict, conflictError } from './conflict.ts'
import { memberAt } from './declaration-places.ts'
import type { StackSides } from './stack-sides.ts'

/**
 * The paths of an overlay's definition, its base's among them, as an effect in the place of `definitionPaths`: everything in
 * which they contradict packages, effects and each other is told at once. Throws `OVERLAY_CONFLICT` when applied.
 */
export function overlayPaths(paths: readonly DefinedPath[], contents: FileContents, sides: StackSides): Effect {
  return {
    name: 'definition',
    summary: 'Writes the paths that the definition declares.',
    apply: ({ tree }) => {
      const conflicts = paths.flatMap((declared) => conflictsOf(declared, tree, sides))
      if (conflicts.length > 0) throw conflictError(sides.overlay.image, sides.base.image, conflicts)
      return paths
        .filter((declared) => declared.type !== 'absent' || tree.get(declared.path) !== undefined)
        .flatMap((declared) => entriesFor(declared, tree, contents))
    },
  }
}

function conflictsOf(declared: DefinedPath, tree: Tree, sides: StackSides): readonly Conflict[] {
  const below = sides.basePaths.get(declared.path)
  const isOwn = below === undefined || !putTheSame(below, declared)
  const existing = tree.get(declared.path)
  const who = isOwn ? at(declared.path, sides) : `base ${sides.base.image}`
  const above = pathsAbove(declared.path)
    .map((path) => tree.get(path))
    .find((entry) => entry !== undefined && entry.type !== 'directory')
  if (above !== undefined && isOwn) return [parentConflict(declared, above, tree, sides)]
  if (declared.type === 'absent') {
    const isKnown = existing !== undefined || sides.baseTree.get(declared.path) !== undefined || !isOwn
    return isKnown ? [] : [nothingThere(declared.path, sides)]
  }
  if (declared.type === 'taken' || existing === undefined || declared.replace || isAlike(declared, existing)) return []
  const waysOut = isOwn
    ? 'say `replace: true` to take its place, or put it elsewhere'
    : `say the path in the overlay with \`replace: true\`, or \`type: absent\` to have ${nounOf(existing, sides)} in its place`
  const sentence = `${sides.originOf(existing)} has a ${existing.type} at ${declared.path}, ${who} ${formatDefinedPath(declared)}`
  return [{ kind: 'path', sides: sentence, waysOut }]
}

function isAlike(declared: Exclude<DefinedPath, { type: 'absent' | 'taken' }>, existing: TreeEntry): boolean {
  switch (declared.type) {
    case 'symlink':
      return existing.type === 'symlink' && existing.target === declared.target
    case 'directory':
      return existing.type === 'directory'
    case 'file':
      return existing.type === 'file' && existing.digest === declared.digest
  }
}

function parentConflict(declared: DefinedPath, above: TreeEntry, tree: Tree, sides: StackSides): Conflict {
  const leads = above.type === 'symlink' ? tree.resolve(above.path) : undefined
  const what = above.type === 'symlink' ? `a link to ${above.target}` : `a ${above.type}`
  const instead = leads === undefined ? undefined : leads + declared.path.slice(above.path.length)
  return {
    kind: 'parent',
    sides: `${sides.originOf(above)} has ${what} at ${above.path}, ${at(declared.path, sides)} a path below it, ${declared.path}`,
    waysOut: instead === undefined ? 'put it below a directory' : `write it as ${instead}`,
  }
}

function nothingThere(path: string, sides: StackSides): Conflict {
  return {
    kind: 'path',
    sides: `${at(path, sides)} leaves ${path} out, base ${sides.base.image} does not have it, nor a package of the overlay's`,
    waysOut: 'leave the line out, or name a path that is there',
  }
}

function nounOf({ origin }: TreeEntry, _sides: StackSides): string {
  return origin.kind === 'definition' ? 'the other' : `that of ${origin.kind} ${origin.name}`
}

function at(path: string, sides: StackSides): string {
  return sides.at(({ paths }) => memberAt(paths, ['paths'], (declared) => declared.path === path))
}
