import { digestFromHex, parseDigest } from '#core'
import { mergeUsr } from '../path-rules.ts'
import type { PathDeclaration, PlatformDigest, TakenContent, TreeSettings } from './definition.ts'
import type { FragmentDocument } from './definition-schema.ts'

/** An entry of `paths` as a document has it. */
export type PathDocument = NonNullable<FragmentDocument['paths']>[number]

/** Modes as numbers, where the entry gives them. */
interface Modes {
  readonly mode: number | undefined
  readonly directoryMode: number | undefined
}

const TREE = ['include', 'exclude', 'mode', 'directory-mode', 'uid', 'gid', 'replace'] as const

/** The kinds of path, each with the keys that it may have beside `path` and `type`. */
const KEYS_OF = {
  directory: ['mode', 'uid', 'gid', 'replace'],
  file: ['content', 'mode', 'uid', 'gid', 'replace'],
  symlink: ['symlink', 'replace'],
  absent: ['reason'],
  source: ['source', ...TREE],
  url: ['url', 'sha256', 'unpack', 'strip', 'from-path', ...TREE],
  image: ['image', 'from-path', ...TREE],
} as const

type Kind = keyof typeof KEYS_OF

/** Gives the path that an entry is about, with the merged /usr applied. */
export function declaredPath(entry: PathDocument): string {
  const kind = kindOf(entry)
  return mergeUsr(entry.path, kind === 'symlink' || kind === 'directory' ? kind : 'file')
}

/** Brings an entry into its one form, or says what is wrong with it. `file` is the definition that has it. */
export function readPath(entry: PathDocument, modes: Modes, file: string): PathDeclaration | string {
  const kind = kindOf(entry)
  if (kind === undefined) {
    return 'want one of `symlink`, `content`, `source`, `url`, `image`, or `type: directory` or `type: absent`'
  }
  const allowed: readonly string[] = KEYS_OF[kind]
  const wrong = Object.keys(entry).find((key) => key !== 'path' && key !== 'type' && !allowed.includes(key))
  if (wrong !== undefined) return wrongKey(kind, wrong)
  const isTold =
    entry.type !== undefined && (kind === 'url' || kind === 'image' || (kind === 'source' && entry.type !== 'file'))
  if (isTold) return `a path that is taken in by \`${kind}\` is what is found there: leave \`type\` away`
  const path = declaredPath(entry)
  const { mode } = modes
  const { uid = 0, gid = 0, replace = false } = entry
  switch (kind) {
    case 'directory':
      if (path === '/') return 'the root itself cannot be declared, only what is in it'
      return { type: kind, path, mode: mode ?? 0o755, uid, gid, replace }
    case 'file':
      if (path === '/') return 'the root is no file'
      return { type: kind, path, mode: mode ?? 0o644, uid, gid, replace, content: entry.content ?? '' }
    case 'symlink':
      if (path === '/') return 'the root is no link'
      if (entry.symlink === undefined) return "want the link's target as `symlink`"
      return { type: kind, path, target: entry.symlink, replace }
    case 'absent':
      if (path === '/') return 'the root cannot be left out'
      return entry.reason === undefined
        ? 'want a `reason` for leaving the path out'
        : { type: kind, path, reason: entry.reason }
    default:
      return readTree(entry, kind, { path, file, settings: settingsOf(entry, modes) })
  }
}

type Tree = TreeSettings & { readonly include: readonly string[]; readonly exclude: readonly string[] }

function settingsOf(entry: PathDocument, { mode, directoryMode }: Modes): Tree {
  const { uid, gid, replace = false, include = [], exclude = [] } = entry
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(directoryMode === undefined ? {} : { directoryMode }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    replace,
    include,
    exclude,
  }
}

function readTree(
  entry: PathDocument,
  kind: 'source' | 'url' | 'image',
  { path, file, settings }: { path: string; file: string; settings: Tree },
): PathDeclaration | string {
  if (kind === 'source') return { type: 'source', path, source: entry.source ?? '', ...settings }
  const taken = kind === 'url' ? contentOfUrl(entry) : contentOfImage(entry)
  if (typeof taken === 'string') return taken
  const { content, at } = taken
  return { type: 'taken', path, content, place: { at, file }, ...settings }
}

interface Taken {
  readonly content: TakenContent
  readonly at: string | Readonly<Record<string, string>>
}

function contentOfUrl(entry: PathDocument): Taken | string {
  const { url = '', sha256, unpack, strip = 0, include, exclude } = entry
  if (sha256 === undefined) return 'want the `sha256` of what is found at `url`: nothing is taken in unseen'
  for (const one of textsOf(url)) {
    const parsed = URL.parse(one)
    if (parsed === null) return `${one} is no URL`
    if (parsed.username !== '' || parsed.password !== '')
      return 'a URL must not hold a password: definitions are attached to images'
  }
  const platforms = (texts: typeof url) => (typeof texts === 'string' ? '' : Object.keys(texts).sort().join(', '))
  if (platforms(url) !== platforms(sha256)) return 'want `url` and `sha256` for the same platforms'
  const digest = digestsOf(sha256)
  if (unpack !== undefined) {
    const from = absolute(entry['from-path'] ?? '/')
    return { at: url, content: { kind: 'archive', digest, packing: unpack, strip, from } }
  }
  const needless = ['strip', 'from-path'].find((key) => Object.hasOwn(entry, key))
  if (needless !== undefined) return `\`${needless}\` is for archives: want \`unpack\` with it`
  if (include !== undefined || exclude !== undefined)
    return '`include` and `exclude` choose from archives: want `unpack` with them'
  return { at: url, content: { kind: 'file', digest } }
}

function contentOfImage(entry: PathDocument): Taken | string {
  const { image = '' } = entry
  const from = entry['from-path']
  if (from === undefined) return 'want the `from-path` of the image that is taken in'
  const end = image.lastIndexOf('@')
  return {
    at: image.slice(0, end),
    content: { kind: 'image', digest: parseDigest(image.slice(end + 1)), from: absolute(from) },
  }
}

function textsOf(texts: string | Readonly<Record<string, string>>): readonly string[] {
  return typeof texts === 'string' ? [texts] : Object.values(texts)
}

function digestsOf(sha256: string | Readonly<Record<string, string>>): PlatformDigest {
  if (typeof sha256 === 'string') return digestFromHex(sha256)
  return Object.fromEntries(
    Object.entries(sha256)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([platform, hex]) => [platform, digestFromHex(hex)]),
  )
}

function absolute(path: string): string {
  return path.startsWith('/') ? path : `/${path}`
}

function kindOf(entry: PathDocument): Kind | undefined {
  if (entry.url !== undefined) return 'url'
  if (entry.image !== undefined) return 'image'
  if (entry.source !== undefined) return 'source'
  if (entry.type !== undefined) return entry.type
  if (entry.symlink !== undefined) return 'symlink'
  return entry.content === undefined ? undefined : 'file'
}

function wrongKey(kind: Kind, key: string): string {
  const contents = ['content', 'source', 'url', 'image', 'symlink']
  const own = kind === 'file' ? 'content' : kind
  if (contents.includes(own) && contents.includes(key)) {
    const [one, other] = [own, key].sort()
    return `want either \`${one}\` or \`${other}\``
  }
  if (kind === 'source' || kind === 'url' || kind === 'image') {
    return `a path that is taken in by \`${kind}\` has no \`${key}\``
  }
  return `a path of type ${kind} has no \`${key}\``
}
