import { OciError } from '../errors.ts'
import { type JsonObject, parseDocument } from '../json-document.ts'
import { isRepository, isTag } from '../reference.ts'
import { type ContentDigest, readContentDigest } from './content-digest.ts'
import { Refusal } from './refusal.ts'

/** The path at which our registries take many small contents together. */
export const CONTENTS_PATH = '/v2/_casemate/contents'

/** The header by which our registries say at `/v2/` what they have besides distribution-spec, and its word for this. */
export const EXTENSIONS_HEADER = 'casemate-extensions'
export const CONTENTS_EXTENSION = 'contents'

/** What one request may bring: sizes in bytes; `entries` are contents, blobs and manifests together. */
export const CONTENTS_LIMITS = {
  /** Of one blob or manifest; what is bigger goes the usual way. */
  content: 1024 * 1024,
  /** Of all contents. */
  bytes: 16 * 1024 * 1024,
  /** Of the list before them. */
  list: 4 * 1024 * 1024,
  entries: 10_000,
  /** As many as a token is good for. */
  repositories: 20,
} as const

/** Content whose bytes come along: behind the list, one after another, in its order. */
export interface ListedContent {
  readonly digest: ContentDigest
  readonly size: number
}

/** A blob that a repository shall have: of the contents that come along, or there already, or mounted. */
export interface ListedBlob {
  readonly digest: ContentDigest
  /** Repositories that it may be mounted from where neither brings it. */
  readonly from?: readonly string[]
}

/** A tag that shall name a manifest; with `expected`, if it names that digest now, or nothing. */
export interface ListedTag {
  readonly tag: string
  readonly expected?: ContentDigest | 'none'
}

/** A manifest or index; its bytes come along. */
export interface ListedManifest {
  readonly digest: ContentDigest
  readonly mediaType: string
  readonly tags: readonly ListedTag[]
}

/** What one repository gets. */
export interface RepositoryList {
  readonly repository: string
  readonly blobs: readonly ListedBlob[]
  readonly manifests: readonly ListedManifest[]
}

/** Contents of some repositories that are stored together or not at all. */
export interface ContentList {
  readonly contents: readonly ListedContent[]
  readonly repositories: readonly RepositoryList[]
}

/** A digest that a repository lacks, or has since this request. */
export interface PlacedDigest {
  readonly repository: string
  readonly digest: string
}

/** A tag of a repository. */
export interface PlacedTag {
  readonly repository: string
  readonly tag: string
}

/** What became of contents: all are stored, with what changed by it; or none, and why. */
export type ContentsOutcome = ContentsStored | ContentsRefused

/** Everything is there and durable. */
export interface ContentsStored {
  readonly stored: true
  /** Blobs and manifests that came along and were not there before. */
  readonly added: readonly PlacedDigest[]
  readonly mounted: readonly PlacedDigest[]
  /** Tags that named something else before, or nothing. */
  readonly tagged: readonly PlacedTag[]
}

/** Nothing was stored. */
export interface ContentsRefused {
  readonly stored: false
  /** What is neither there nor comes along, and may not be mounted: everything at once. */
  readonly missing: readonly PlacedDigest[]
  /** Tags that name something else than was expected. */
  readonly moved: readonly PlacedTag[]
}

/** Writes a list as `readContentList` reads it: a line, behind which the bytes of the contents come. */
export function formatContentList(list: ContentList): string {
  return `${JSON.stringify(list)}\n`
}

/**
 * Reads the list that a client sends before its contents. Throws a `Refusal`: `NAME_INVALID`, `DIGEST_INVALID`, `SIZE_INVALID`
 * for more than the limits, `MANIFEST_INVALID` for what is no list, for a repository, content or tag that stands twice, a manifest
 * whose bytes do not come along and contents that nothing needs.
 */
export function readContentList(bytes: Uint8Array): ContentList {
  try {
    const document = parseDocument(bytes, 'the list of contents')
    const contents = document.objects('contents').map(readContent)
    const repositories = document.objects('repositories').map(readRepository)
    const list = { contents, repositories }
    checkLimits(list)
    checkUnique(list)
    checkUse(list)
    return list
  } catch (error) {
    if (error instanceof Refusal || !(error instanceof OciError)) throw error
    throw new Refusal('MANIFEST_INVALID', error.message, { cause: error })
  }
}

/** Reads a registry's answer to a list. Throws `DOCUMENT_INVALID`. */
export function readContentsOutcome(bytes: Uint8Array): ContentsOutcome {
  const answer = parseDocument(bytes, 'the answer to contents')
  const digests = (key: string) =>
    answer.objects(key).map((one) => ({ repository: one.text('repository'), digest: one.text('digest') }))
  const tags = (key: string) =>
    answer.objects(key).map((one) => ({ repository: one.text('repository'), tag: one.text('tag') }))
  if (answer.optionalFlag('stored') !== true)
    return { stored: false, missing: digests('missing'), moved: tags('moved') }
  return { stored: true, added: digests('added'), mounted: digests('mounted'), tagged: tags('tagged') }
}

function readContent(content: JsonObject): ListedContent {
  return { digest: digestAt(content), size: content.size('size') }
}

function readRepository(entry: JsonObject): RepositoryList {
  return {
    repository: repositoryIn(entry.text('repository'), `${entry.place}.repository`),
    blobs: entry.objects('blobs').map((blob) => {
      const from = blob.texts('from').map((name) => repositoryIn(name, `${blob.place}.from`))
      if (from.length > CONTENTS_LIMITS.repositories) throw tooLarge(`${blob.place}.from names ${from.length}`)
      return { digest: digestAt(blob), ...(from.length === 0 ? {} : { from }) }
    }),
    manifests: entry.objects('manifests').map((manifest) => {
      const tags = manifest.objects('tags').map(readTag)
      return { digest: digestAt(manifest), mediaType: manifest.text('mediaType'), tags }
    }),
  }
}

function readTag(entry: JsonObject): ListedTag {
  const tag = entry.text('tag')
  if (!isTag(tag)) throw invalid(`${entry.place}.tag is no tag`)
  const expected = entry.optionalText('expected')
  if (expected === undefined) return { tag }
  return { tag, expected: expected === 'none' ? expected : digestIn(expected, `${entry.place}.expected`) }
}

function repositoryIn(name: string, place: string): string {
  if (isRepository(name)) return name
  throw new Refusal('NAME_INVALID', `cannot store contents: ${place} is no name of a repository`)
}

function digestAt(entry: JsonObject): ContentDigest {
  return digestIn(entry.text('digest'), `${entry.place}.digest`)
}

function digestIn(text: string, place: string): ContentDigest {
  const digest = readContentDigest(text)
  if (digest !== undefined) return digest
  throw new Refusal('DIGEST_INVALID', `cannot store contents: ${place} is no sha256 or sha512 digest`)
}

function checkLimits({ contents, repositories }: ContentList): void {
  const entries = repositories.reduce((sum, { blobs, manifests }) => sum + blobs.length + manifests.length, 0)
  const counts = { entries: contents.length + entries, repositories: repositories.length }
  const bytes = contents.reduce((sum, { size }) => sum + size, 0)
  for (const [what, count] of Object.entries({ ...counts, bytes })) {
    const limit = CONTENTS_LIMITS[what as 'entries' | 'repositories' | 'bytes']
    if (count > limit) throw tooLarge(`${count} ${what} are more than ${limit}`)
  }
  const big = contents.find(({ size }) => size > CONTENTS_LIMITS.content)
  if (big !== undefined) throw tooLarge(`${big.digest} has ${big.size} bytes, more than ${CONTENTS_LIMITS.content}`)
}

function checkUnique({ contents, repositories }: ContentList): void {
  const lists: string[][] = [contents.map(({ digest }) => digest), repositories.map(({ repository }) => repository)]
  for (const { blobs, manifests } of repositories) {
    lists.push(blobs.map(({ digest }) => digest))
    lists.push(manifests.map(({ digest }) => digest))
    lists.push(manifests.flatMap(({ tags }) => tags.map(({ tag }) => tag)))
  }
  for (const list of lists) {
    const seen = new Set<string>()
    for (const name of list) {
      if (seen.has(name)) throw invalid(`${name} stands twice`)
      seen.add(name)
    }
  }
}

function checkUse({ contents, repositories }: ContentList): void {
  const brought = new Set(contents.map(({ digest }) => digest))
  const used = new Set(repositories.flatMap(({ blobs }) => blobs.map(({ digest }) => digest)))
  for (const { digest } of repositories.flatMap(({ manifests }) => manifests)) {
    if (!brought.has(digest)) throw invalid(`the bytes of manifest ${digest} do not come along`)
    used.add(digest)
  }
  const unused = contents.find(({ digest }) => !used.has(digest))
  if (unused !== undefined) throw invalid(`no repository gets ${unused.digest}`)
}

function invalid(reason: string): Refusal {
  return new Refusal('MANIFEST_INVALID', `cannot store contents: ${reason}`)
}

function tooLarge(reason: string): Refusal {
  return new Refusal('SIZE_INVALID', `cannot store contents: ${reason}`, { status: 413 })
}
