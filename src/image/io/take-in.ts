import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Digest } from '#core'
import { type ArchivePlace, ContentStore } from '#debian'
import { ImageFiles } from '#oci'
import type { DefinedPath, TakenDeclaration } from '../definition/definition.ts'
import type { FileContents } from '../definition/load-definition.ts'
import { formatTakenPlace, laidOver } from '../definition/merge-definitions.ts'
import { ImageError } from '../errors.ts'
import { selectPaths } from '../taken/selection.ts'
import { placePaths } from '../taken/taken-paths.ts'
import { openTakenArchive, type TakenTree } from './taken-archive.ts'
import { openTakenImage } from './taken-image.ts'

/** Content from elsewhere that stands in an image: evidence, as provenance and `explain` tell it. */
export interface TakenSource {
  /** A URL, or an image reference without its digest. */
  readonly at: string
  /** Of what is found there: a file, an archive, an image's manifest or index. */
  readonly digest: Digest
  readonly kind: 'file' | 'archive' | 'image'
  /** Of an image the platform's manifest. */
  readonly manifest?: Digest
  /** What was taken of it; empty for a file that is taken as it is. */
  readonly from: string
  /** Where it stands, as the definition says. */
  readonly path: string
  /** Every path of it, sorted. */
  readonly paths: readonly string[]
}

/** Paths of a definition with everything in them that is taken in, for one platform. */
export interface TakenIn {
  readonly paths: readonly DefinedPath[]
  readonly contents: FileContents
  readonly sources: readonly TakenSource[]
}

/** A file by its digest that something is taken in from. */
export interface TakenObject {
  /** The URL or image that it is of. */
  readonly what: string
  readonly digest: Digest
  /** Where it lies, in the cache or a store. */
  readonly path: string
}

/** Takes in what a definition's paths ask for of elsewhere; see `openTaking`. */
export type TakeIn = (paths: readonly DefinedPath[], contents: FileContents, platform: string) => Promise<TakenIn>

/** The most bytes that a file at a URL may have. */
const MAX_URL_BYTES = 2 ** 30
/** The most bytes of a file that stands in an image as it is. */
const MAX_FILE_BYTES = 2 ** 29

/**
 * Opens the cache, the stores and the network of a place to take in content from elsewhere. What is taken in is checked against
 * the digest that the definition gives; the same definition gives the same paths, wherever the content was found. Its use
 * rejects with `SOURCE_INVALID`, with `DEFINITION_INVALID` where two entries put different things at a path, and as
 * `ContentStore` and `openImage` do.
 */
export function openTaking(place: ArchivePlace): Taker {
  let store: ContentStore | undefined
  return {
    async takeIn(paths, contents, platform) {
      if (paths.every(({ type }) => type !== 'taken')) return { paths, contents, sources: [] }
      store ??= new ContentStore(place)
      return takeAllIn(paths, contents, { platform, store })
    },
    async objects(paths, platform) {
      const objects: TakenObject[] = []
      for (const entry of paths.filter((one) => one.type === 'taken')) {
        store ??= new ContentStore(place)
        const { parts, name } = await openTaken(entry, { platform, store })
        for (const digest of parts) {
          const path = await store.find(digest)
          if (path === undefined)
            throw new ImageError('SOURCE_INVALID', `cannot keep ${name}: ${digest} is not at hand`)
          objects.push({ what: name, digest, path })
        }
      }
      return objects
    },
    [Symbol.asyncDispose]: async () => store?.close(),
  }
}

/** Takes in content from elsewhere, by a place that it was opened for. */
export interface Taker extends AsyncDisposable {
  readonly takeIn: TakeIn
  /** Everything that taking in reads on a platform, so that it can be kept: a build from these needs no network. */
  objects(paths: readonly DefinedPath[], platform: string): Promise<readonly TakenObject[]>
}

interface Taking {
  readonly platform: string
  readonly store: ContentStore
}

async function takeAllIn(paths: readonly DefinedPath[], known: FileContents, taking: Taking): Promise<TakenIn> {
  const contents = new Map(known)
  const laid = new Map<string, DefinedPath>()
  const sources: TakenSource[] = []
  for (const entry of paths.filter((one) => one.type === 'taken')) {
    const { tree, source, name } = await openTaken(entry, taking)
    const from = entry.content.kind === 'file' ? '/' : entry.content.from
    const selection = { from, include: entry.include, exclude: entry.exclude }
    const selected = selectPaths(tree.files, selection, name)
    if (entry.path === '/' && selected.some(({ place, type }) => place === '' && type === 'file')) {
      throw new ImageError('SOURCE_INVALID', `cannot take in ${name}: it is a file, and the root is none`)
    }
    const wanted = new Set(selected.flatMap(({ type, content }) => (type === 'file' ? [content] : [])))
    const bytes = await tree.read(wanted)
    const read = (path: string) => {
      const content = bytes.get(path)
      if (content !== undefined) return content
      throw new ImageError('SOURCE_INVALID', `cannot take in ${name}: ${path} cannot be read`)
    }
    const permissions = entry.content.kind === 'image' ? 'kept' : 'executable-only'
    const placed = placePaths(selected, { placement: entry, permissions, name }, { read, contents })
    for (const one of placed) laid.set(one.path, laidOver(laid.get(one.path), one, `what is taken in with ${name}`))
    sources.push({ ...source, path: entry.path, paths: placed.map(({ path }) => path).sort() })
  }
  for (const entry of paths) {
    if (entry.type === 'taken') continue
    laid.set(entry.path, laidOver(laid.get(entry.path), entry, 'what is taken in with the definition'))
  }
  const inOrder = [...laid.values()].sort((left, right) => (left.path < right.path ? -1 : 1))
  return { paths: inOrder, contents, sources }
}

interface OpenedTaken {
  readonly tree: TakenTree
  readonly source: Omit<TakenSource, 'path' | 'paths'>
  readonly name: string
  /** The files by digest that it is read from. */
  readonly parts: readonly Digest[]
}

async function openTaken(entry: TakenDeclaration, { platform, store }: Taking): Promise<OpenedTaken> {
  const { content, place } = entry
  const at = ofPlatform(place.at, entry, platform)
  const digest = ofPlatform(content.digest, entry, platform)
  const { kind } = content
  if (kind === 'image') {
    const image = { reference: at, digest, folder: dirname(place.file) }
    const { manifest, parts, ...tree } = await openTakenImage(image, platform, store)
    return { tree, source: { at, digest, kind, manifest, from: content.from }, name: `${at}@${digest}`, parts }
  }
  const path = await store.fetch({ url: at, digest, limit: MAX_URL_BYTES })
  if (kind === 'archive') {
    const tree = await openTakenArchive(path, { ...content, name: at })
    return { tree, source: { at, digest, kind, from: content.from }, name: at, parts: [digest] }
  }
  return { tree: await fileTree(path, at), source: { at, digest, kind, from: '' }, name: at, parts: [digest] }
}

/** A file alone, as a tree whose root it is. */
async function fileTree(path: string, name: string): Promise<TakenTree> {
  const bytes = await readFile(path)
  if (bytes.length > MAX_FILE_BYTES) {
    const reason = `it has ${bytes.length} bytes, more than the ${MAX_FILE_BYTES} of a file that is taken as it is`
    throw new ImageError('SOURCE_INVALID', `cannot take in ${name}: ${reason}`)
  }
  const metadata = { mode: 0o644, uid: 0, gid: 0, mtime: 0, target: '', layer: 0, xattrs: new Map() }
  const file = { path: '/', type: 'file', size: bytes.length, ...metadata } as const
  return { files: new ImageFiles(new Map([['/', file]])), read: async () => new Map([['/', bytes]]) }
}

function ofPlatform<Value extends string>(
  value: Value | Readonly<Record<string, Value>>,
  entry: TakenDeclaration,
  platform: string,
): Value {
  const own = typeof value === 'string' ? value : value[platform]
  if (own !== undefined) return own
  const reason = `it is said for ${Object.keys(value).join(', ')} only`
  throw new ImageError('SOURCE_INVALID', `cannot take in ${formatTakenPlace(entry)} for ${platform}: ${reason}`)
}
