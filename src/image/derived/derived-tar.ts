import { digestOf, isWhiteoutPath, normalizeArchivePath, parentPath, TAR_END, TAR_LIMITS, TarReader } from '#core'
import { ImageError } from '../errors.ts'
import { tarPieces } from '../layer.ts'
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
    for (let above = parentPath(path); above !== '' && !entries.has(above); above = parentPath(above)) {
      const existing = refuseTaken(above, placement, 'directory')
      const own: TreeEntry = { ...metadata(above, placement), type: 'directory', mode: 0o755 }
      entries.set(above, existing === undefined ? own : { ...existing, mtime: placement.mtime })
    }
  }
  return [...entries.values()].sort((left, right) => (left.path < right.path ? -1 : 1))
}

/** The files as one tar, whole and always the same: its digest names the result, and is the layer's diffID. */
export function encodeDerived(files: DerivedFiles, placement: DerivedPlacement): Uint8Array {
  return Buffer.concat([...encodedPieces(derivedEntries(files, placement), files)])
}

function* encodedPieces(entries: readonly TreeEntry[], files: DerivedFiles): Generator<Uint8Array> {
  const none = new Uint8Array()
  yield* tarPieces(entries, (path) => files.get(path) ?? none)
  yield TAR_END
}

/** Whether pieces, one behind the other, are these bytes. */
function areBytes(pieces: Iterable<Uint8Array>, bytes: Uint8Array): boolean {
  let at = 0
  for (const piece of pieces) {
    if (Buffer.compare(piece, bytes.subarray(at, at + piece.length)) !== 0) return false
    at += piece.length
  }
  return at === bytes.length
}

/** What a result holds. */
export interface DecodedResult {
  readonly files: DerivedFiles
  /** As `derivedEntries` gives them. */
  readonly entries: readonly TreeEntry[]
}

/**
 * Reads what `encodeDerived` wrote, from a place that is not trusted: nothing but files in exactly the form of this
 * image. What it gives lies in `tar`. Throws `DERIVED_INVALID`, or as `TarReader` does.
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
      // Pushed at once, the archive is the one chunk that parts are handed on of.
      return { write: (chunk) => content.push(chunk), end() {} }
    },
  })
  reader.push(tar)
  reader.end()
  const files = new Map([...parts].map(([path, [first, ...more]]) => [path, joined(first, more)]))
  const entries = derivedEntries(files, placement)
  if (areBytes(encodedPieces(entries, files), tar)) return { files, entries }
  throw new ImageError('DERIVED_INVALID', `cannot use ${origin}: it is not in the form that this image needs`)
}

function joined(first: Uint8Array = Buffer.alloc(0), more: readonly Uint8Array[] = []): Uint8Array {
  return more.length === 0 ? first : Buffer.concat([first, ...more])
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
