import type { DefinedPath } from './definition/definition.ts'
import type { FileContents } from './definition/load-definition.ts'
import type { Effect, EffectEntry } from './effects/effect.ts'
import { ImageError } from './errors.ts'
import type { Tree } from './tree.ts'

const STATUS_PATH = '/var/lib/dpkg/status'

/**
 * The definition's own paths as an effect, applied after all others. An identical entry merges; another one needs
 * `replace: true`, and then takes the old one's place. Throws `PATH_CONFLICT` or `DEFINITION_INVALID` when applied.
 */
export function definitionPaths(paths: readonly DefinedPath[], contents: FileContents): Effect {
  return {
    name: 'definition',
    summary: 'Writes the paths that the definition declares.',
    apply: ({ tree }) => paths.flatMap((declared) => entriesFor(declared, tree, contents)),
  }
}

/** What one declared path writes into a tree. Throws as `definitionPaths` does when it is applied. */
export function entriesFor(declared: DefinedPath, tree: Tree, contents: FileContents): EffectEntry[] {
  const existing = tree.get(declared.path)
  if (declared.path === STATUS_PATH) {
    throw new ImageError('PATH_CONFLICT', `cannot write ${STATUS_PATH}: it is made from the packages of the image`)
  }
  if (declared.type === 'taken') {
    throw new ImageError('SOURCE_INVALID', `cannot write ${declared.path}: nothing was taken in for it`)
  }
  if (declared.type === 'absent') {
    if (existing !== undefined) return removals(declared.path, tree)
    throw new ImageError('PATH_CONFLICT', `cannot leave out ${declared.path}: the image has no such path`)
  }
  const entry = entryOf(declared, contents)
  if (existing === undefined) return [entry]
  if (declared.type === 'symlink' && existing.type === 'symlink' && existing.target === declared.target) return []
  if (declared.type === 'directory' && existing.type === 'directory') {
    if (declared.existing === 'keep') return []
    const { path, mode, uid, gid, replace } = declared
    return [{ type: 'metadata', path, mode, uid, gid, replace }]
  }
  if (declared.type === 'file' && existing.type === 'file' && existing.digest === declared.digest) {
    const { path, mode, uid, gid, replace } = declared
    return [{ type: 'metadata', path, mode, uid, gid, replace }]
  }
  if (declared.replace) return [...removals(declared.path, tree), entry]
  const owner =
    existing.origin.kind === 'definition' ? 'the definition' : `${existing.origin.kind} ${existing.origin.name}`
  throw new ImageError(
    'PATH_CONFLICT',
    `cannot write ${declared.path}: ${owner} already has a ${existing.type} there; say "replace: true" to take its place`,
  )
}

/** Takes a path away with all that is below it, the deepest first. */
function removals(path: string, tree: Tree): EffectEntry[] {
  const below = tree.get(path)?.type === 'directory' ? tree.list(path) : []
  return [...below.flatMap((name) => removals(`${path}/${name}`, tree)), { type: 'removal', path }]
}

function entryOf(declared: Exclude<DefinedPath, { type: 'absent' | 'taken' }>, contents: FileContents): EffectEntry {
  if (declared.type === 'symlink') return { type: 'symlink', path: declared.path, target: declared.target }
  const { path, mode, uid, gid } = declared
  if (declared.type === 'directory') return { type: 'directory', path, mode, uid, gid }
  const content = contents.get(declared.digest)
  if (content !== undefined) return { type: 'file', path, mode, uid, gid, content }
  throw new ImageError(
    'DEFINITION_INVALID',
    `cannot write ${path}: the definition's file ${declared.digest} was not read`,
  )
}
