import { digestOf, isWhiteoutPath, normalizeArchivePath, TAR_END, TAR_LIMITS, TarReader } from '#core'
import { ImageError } from '../errors.ts'
import { encodeTar } from '../layer.ts'
import { parentOf } from '../links.ts'
import type { Tree, TreeEntry } from '../tree.ts'
import type { DerivedFiles } from './derived-effect.ts'

/** What a derived effect is put into. */
export interface DerivedPlacement {
  readonly effect: string
  /** The image without the effect. */
  readonly tree: Tree
  /** The time of every path, in seconds: that of the newest file that it was made from. */
  readonly mtime: number
}

/**
 * The entries of files that a derived effect made, in code-unit order, with the directories that they need: what the
 * image has as it is there but for its time, what is new 0755 and root's. Throws `EFFECT_CONFLICT` where the image has
 * something already, `DERIVED_INVALID` for a name that layers give another meaning, `PATH_INVALID`.
 */
export function derivedEntries(files: DerivedFiles, placement: DerivedPlacement): readonly TreeEntry[] {
  const entries = new Map<string, TreeEntry>()
  for (const [path, content] of files) {
    if (isWhiteoutPath(normalizeArchivePath(path.slice(1)))) {
      throw new ImageError('DERIVED_INVALID', `cannot derive ${placement.effect}: ${path} is the name of a whiteout`)
    }
    refuseTaken(path, placement, undefined)
    entries.set(path, { ...metadata(path, placement), type: 'file', size: content.length, digest: digestOf(content) })
    for (let above = parentOf(path); above !== '' && !entries.has(above); above = parentOf(above)) {
      const existing = refuseTaken(above, placement, 'directory')
      const own: TreeEntry = { ...metadata(above, placement), type: 'directory', mode: 0o755 }
      entries.set(above, existing === undefined ? own : { ...existing, mtime: placement.mtime })
    }
  }
  return [...entries.values()].sort((left, right) => (left.path < right.path ? -1 : 1))
}

/** The files as one tar, whole and always the same: its digest names the result, and is the layer's diffID. */
export function encodeDerived(files: DerivedFiles, placement: DerivedPlacement): Uint8Array {
  return encodeEntries(derivedEntries(files, placement), files)
}

function encodeEntries(entries: readonly TreeEntry[], files: DerivedFiles): Uint8Array {
  const none = new Uint8Array()
  return Buffer.concat([encodeTar(entries, (path) => files.get(path) ?? none), TAR_END])
}

/** What a result holds. */
export interface DecodedResult {
  readonly files: DerivedFiles
  /** As `derivedEntries` gives them. */
  readonly entries: readonly TreeEntry[]
}

/**
 * Reads what `encodeDerived` wrote, from a place that is not trusted: nothing but files in exactly the form of this
 * image. Throws `DERIVED_INVALID`, or as `TarReader` does.
 */
export function decodeDerived(tar: Uint8Array, placement: DerivedPlacement): DecodedResult {
  const parts = new Map<string, Uint8Array[]>()
  const origin = `result of ${placement.effect}`
  const reader = new TarReader({
    origin,
    limits: TAR_LIMITS,
    onEntry({ path, type }) {
      if (type !== 'file') return undefined
      const content: Uint8Array[] = []
      parts.set(normalizeArchivePath(path), content)
      return { write: (chunk) => content.push(Buffer.from(chunk)), end() {} }
    },
  })
  reader.push(tar)
  reader.end()
  const files = new Map([...parts].map(([path, content]) => [path, Buffer.concat(content)]))
  const entries = derivedEntries(files, placement)
  if (Buffer.compare(encodeEntries(entries, files), tar) === 0) return { files, entries }
  throw new ImageError('DERIVED_INVALID', `cannot use ${origin}: it is not in the form that this image needs`)
}

function metadata(path: string, { effect, mtime }: DerivedPlacement) {
  return { path, mode: 0o644, uid: 0, gid: 0, mtime, origin: { kind: 'effect', name: effect } } as const
}

function refuseTaken(path: string, { effect, tree }: DerivedPlacement, wanted: 'directory' | undefined) {
  const existing = tree.get(path)
  if (existing === undefined || existing.type === wanted) return existing
  const { origin } = existing
  const owner = origin.kind === 'definition' ? 'the definition' : `${origin.kind} ${origin.name}`
  throw new ImageError('EFFECT_CONFLICT', `cannot derive ${effect}: ${owner} has a ${existing.type} at ${path}`)
}
