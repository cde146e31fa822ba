import { type Digest, digestOf } from '#core'
import type { DefinedPath, TreeSettings } from '../definition/definition.ts'
import { ImageError } from '../errors.ts'
import { mergeUsr } from '../path-rules.ts'
import type { SelectedPath } from './selection.ts'

/**
 * How a tree's own modes and owners count: a repository and an archive know only whether a file can be executed, because the
 * rest is of the machine that it was packed on; an image means all of it.
 */
export type Permissions = 'executable-only' | 'kept'

/** Where selected paths shall stand and how. */
export interface Placement extends TreeSettings {
  readonly path: string
}

/**
 * Gives selected paths their place in the image and adds their bytes to `contents`. `name` is what messages call where they are
 * from. Throws `SOURCE_INVALID` for a file with rights that go beyond its mode, unless a mode is given.
 */
export function placePaths(
  selected: readonly SelectedPath[],
  { placement, permissions, name }: { placement: Placement; permissions: Permissions; name: string },
  { read, contents }: { read(path: string): Uint8Array; contents: Map<Digest, Uint8Array> },
): readonly DefinedPath[] {
  const top = placement.path === '/' ? '' : placement.path
  const { replace } = placement
  // The root is there, and nobody's to declare.
  const placed = selected.filter(({ place }) => `${top}${place}` !== '')
  return placed.map((one): DefinedPath => {
    const path = mergeUsr(`${top}${one.place}`, one.type)
    if (one.type === 'symlink') {
      const { target = { text: '' } } = one
      return { type: 'symlink', path, target: 'text' in target ? target.text : `${top}${target.place}` || '/', replace }
    }
    const rights = rightsOf(one, { placement, permissions, name })
    if (one.type === 'directory') return { type: 'directory', path, ...rights, replace, existing: 'keep' }
    const bytes = read(one.content)
    const digest = digestOf(bytes)
    contents.set(digest, bytes)
    return { type: 'file', path, ...rights, replace, digest, size: bytes.length }
  })
}

function rightsOf(
  { type, file }: SelectedPath,
  { placement, permissions, name }: { placement: Placement; permissions: Permissions; name: string },
) {
  const { uid, gid } = placement
  const given = type === 'directory' ? placement.directoryMode : placement.mode
  if (permissions === 'executable-only') {
    const usual = type === 'directory' || (file.mode & 0o100) !== 0 ? 0o755 : 0o644
    return { mode: given ?? usual, uid: uid ?? 0, gid: gid ?? 0 }
  }
  const special = type === 'file' ? specialRights(file) : undefined
  if (special !== undefined && given === undefined) {
    const reason = `${file.path} has ${special}; say with \`mode\` what it shall have, or exclude it`
    throw new ImageError('SOURCE_INVALID', `cannot take in ${name}: ${reason}`)
  }
  return { mode: given ?? file.mode, uid: uid ?? file.uid, gid: gid ?? file.gid }
}

function specialRights({ mode, xattrs }: SelectedPath['file']): string | undefined {
  if ((mode & 0o6000) !== 0) return `the mode ${mode.toString(8)}, which gives its owner's rights to whoever runs it`
  return xattrs.has('security.capability') ? 'file capabilities, which are not taken in' : undefined
}
