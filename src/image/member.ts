import { canonicalJson, type Digest, digestOf, type Json } from '#core'

/** How layers are compressed; each is one pinned codec, so that the compressed digest is the same everywhere. */
export type LayerCodec = 'gzip' | 'zstd'

/** A change to what a .deb ships, because another package replaces or diverts a path of it. */
export type MemberEdit =
  | { readonly kind: 'leave-out'; readonly path: string; readonly because: string }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string; readonly because: string }

/** Everything that decides the bytes of a member. */
export interface MemberRecipe {
  readonly deb: Digest
  /** The layer format: path rules, order, codec. */
  readonly format: number
  readonly codec: LayerCodec
  /** Names of path rules that the definition switches off, sorted. */
  readonly keep: readonly string[]
  /** In the order of paths. */
  readonly edits: readonly MemberEdit[]
}

/** A path in a member. Directories stand here too, but are written by the layer that holds the member. */
export interface MemberEntry {
  readonly path: string
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink'
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtime: number
  readonly size: number
  /** Of a file's content. */
  readonly digest?: Digest
  /** A link's text, or the absolute path of a hard link's file. */
  readonly target?: string
  /** Where a file's content starts in the member's tar, in bytes. */
  readonly offset?: number
}

/** One independently compressed part of a member. */
export interface MemberBlock {
  /** Start in the uncompressed tar and in the compressed stream, in bytes. */
  readonly tarOffset: number
  readonly offset: number
  readonly length: number
}

/** A path that a rule left out of a member, or whose mode a rule changed. */
export interface MemberOmission {
  readonly path: string
  readonly rule: string
  readonly size: number
}

/** What is known about a member without reading it: one .deb made ready for layers. */
export interface MemberIndex {
  readonly key: Digest
  readonly package: string
  /** The paragraph of the .deb's control file, as text. */
  readonly control: string
  /** Control files that effects and script classes read, by name, as text; binary ones are not text and left out. */
  readonly controlFiles: Readonly<Record<string, string>>
  /** The MD5 of each conffile as shipped, which dpkg's status records (deb-conffiles(5)). */
  readonly conffileSums: Readonly<Record<string, string>>
  /** In code-unit order of paths. */
  readonly entries: readonly MemberEntry[]
  readonly blocks: readonly MemberBlock[]
  readonly omissions: readonly MemberOmission[]
  /** Bytes of the compressed stream and of the tar in it. */
  readonly size: number
  readonly tarSize: number
  /** The compressed stream's digest, which every later read is checked against. */
  readonly digest: Digest
  /** What the member is as a layer of its own: most are, and then nobody has to read it again to know. */
  readonly alone: LayerAlone
  /** The newest time of any entry in the .deb, in seconds since the epoch. */
  readonly newest: number
}

/** Raised with every change of what an index holds, so that the cache of another Casemate is not mistaken for ours. */
const INDEX_VERSION = 2

/** What a layer is: digest and bytes as stored, digest of the tar. */
export interface MeasuredLayer {
  readonly digest: Digest
  readonly diffId: Digest
  readonly size: number
}

/** A layer that holds nothing but one member, behind the directories whose tar has the digest `directories`. */
export interface LayerAlone extends MeasuredLayer {
  readonly directories: Digest
}

/** Gives the name a member is cached under: the digest of its recipe. */
export function memberKey(recipe: MemberRecipe): Digest {
  return digestOf(
    canonicalJson({ ...recipe, index: INDEX_VERSION, edits: recipe.edits.map((edit): Json => ({ ...edit })) }),
  )
}

type EntryRow = readonly [
  path: string,
  type: number,
  mode: number,
  uid: number,
  gid: number,
  mtime: number,
  size: number,
  digest: string,
  target: string,
  offset: number,
]

const types = ['file', 'directory', 'symlink', 'hardlink'] as const

/** Writes an index as compact JSON: entries are rows, not objects, because images have tens of thousands. */
export function formatMemberIndex(index: MemberIndex): string {
  const rows: EntryRow[] = index.entries.map((entry) => [
    entry.path,
    types.indexOf(entry.type),
    entry.mode,
    entry.uid,
    entry.gid,
    entry.mtime,
    entry.size,
    entry.digest ?? '',
    entry.target ?? '',
    entry.offset ?? -1,
  ])
  return JSON.stringify({ ...index, entries: rows })
}

interface MemberIndexDocument extends Omit<MemberIndex, 'entries'> {
  readonly entries: readonly EntryRow[]
}

/**
 * Reads what `formatMemberIndex` wrote; `undefined` for anything else: a torn or foreign file in the cache is made anew,
 * never trusted.
 */
export function parseMemberIndex(text: string, key: Digest): MemberIndex | undefined {
  const document = parseDocument(text)
  return document?.key === key ? { ...document, entries: document.entries.map(entryOf) } : undefined
}

function entryOf(row: EntryRow): MemberEntry {
  const [path, type, mode, uid, gid, mtime, size, digest, target, offset] = row
  return {
    path,
    type: types[type] ?? 'file',
    mode,
    uid,
    gid,
    mtime,
    size,
    ...(digest === '' ? {} : { digest: digest as Digest }),
    ...(target === '' ? {} : { target }),
    ...(offset < 0 ? {} : { offset }),
  }
}

function parseDocument(text: string): MemberIndexDocument | undefined {
  try {
    const document: unknown = JSON.parse(text)
    return isDocument(document) ? document : undefined
  } catch {
    return undefined
  }
}

/** The cache is ours and written atomically: the shape is checked at its joints, not in every row. */
function isDocument(document: unknown): document is MemberIndexDocument {
  return (
    typeof document === 'object' &&
    document !== null &&
    'key' in document &&
    'entries' in document &&
    Array.isArray(document.entries) &&
    'blocks' in document &&
    Array.isArray(document.blocks) &&
    'controlFiles' in document &&
    'alone' in document
  )
}
