import type { ContentDigest } from './content-digest.ts'
import type { JournalBatch } from './journal-format.ts'
import type { ManifestContent } from './manifest-content.ts'
import { Refusal } from './refusal.ts'
import type { ManifestEntry, RegistryState, RepositoryState, StateRecord } from './state.ts'
import type { MoveOutcome, RepositoryTagMove, TagMove } from './tag-store.ts'

/** What a change of the state comes to: its records, and what the caller gets when they are durable. */
export interface Decision<Result> extends JournalBatch {
  readonly result: Result
}

/** Content of a repository that is to be stored; its bytes are given unless they lie in a file already. */
export interface NewContent {
  readonly repository: string
  readonly digest: ContentDigest
  readonly size: number
  readonly bytes?: Uint8Array
}

/** A blob becomes readable through a repository. */
export function storeBlob(state: RegistryState, content: NewContent): Decision<undefined> {
  const { repository, digest } = content
  const added = contentRecords(state, content)
  return { ...added, records: [...added.records, { op: 'link', repository, digest }], result: undefined }
}

/** A blob of one repository becomes readable through another; the result says whether the first one has it. */
export function mountBlob(
  state: RegistryState,
  repository: string,
  from: string,
  digest: ContentDigest,
): Decision<boolean> {
  const isThere = isBlobOf(state, from, digest)
  return decision(isThere ? [{ op: 'link', repository, digest }] : [], isThere)
}

/** A manifest that is to be stored, by its digest and perhaps under a tag. */
export interface NewManifest extends NewContent {
  readonly bytes: Uint8Array
  readonly content: ManifestContent
  readonly tag?: string
}

/**
 * A manifest becomes readable, and its tag names it. Throws a `Refusal` of `MANIFEST_BLOB_UNKNOWN` that names what the
 * repository lacks; a missing subject is no reason (distribution-spec §pushing-manifests-with-subject).
 */
export function storeManifest(state: RegistryState, manifest: NewManifest): Decision<undefined> {
  const { repository, digest, tag, content } = manifest
  const missing = [
    ...content.blobs.filter((blob) => !isBlobOf(state, repository, blob)),
    ...content.manifests.filter((child) => !isManifestOf(state, repository, child)),
  ]
  if (missing.length > 0) {
    const words = `cannot store manifest ${digest}: ${repository} lacks ${missing.length} of what it refers to`
    throw new Refusal('MANIFEST_BLOB_UNKNOWN', words, { detail: { digests: missing.slice(0, 20) } })
  }
  const entry = entryOf(manifest)
  const added = contentRecords(state, manifest)
  const tagged: StateRecord[] = tag === undefined ? [] : [{ op: 'tag', repository, tag, digest }]
  return {
    ...added,
    records: [...added.records, { op: 'manifest', repository, manifest: entry }, ...tagged],
    result: undefined,
  }
}

/** What the state remembers of a manifest. */
export function entryOf({ digest, size, content }: Pick<NewManifest, 'digest' | 'size' | 'content'>): ManifestEntry {
  const { mediaType, subject, artifactType, annotations, blobs, manifests } = content
  return {
    digest,
    mediaType,
    size,
    references: [...blobs, ...manifests],
    ...(subject === undefined ? {} : { subject }),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  }
}

/**
 * A manifest goes, and with it every tag that names it. Throws a `Refusal`: `MANIFEST_UNKNOWN`, or `UNSUPPORTED` while an
 * index of the repository lists it.
 */
export function deleteManifest(state: RegistryState, repository: string, digest: ContentDigest): Decision<undefined> {
  const known = repositoryOf(state, repository)
  if (!known.manifests.has(digest)) throw manifestUnknown(repository, digest)
  checkUnreferenced(known, digest, repository)
  const tags = [...known.tags].filter(([, named]) => named === digest)
  return decision([
    ...tags.map(([tag]) => ({ op: 'untag', repository, tag }) as const),
    { op: 'unmanifest', repository, digest },
  ])
}

/** A tag goes; what it named stays. Throws a `Refusal` of `MANIFEST_UNKNOWN`. */
export function deleteTag(state: RegistryState, repository: string, tag: string): Decision<undefined> {
  if (!repositoryOf(state, repository).tags.has(tag)) throw manifestUnknown(repository, tag)
  return decision([{ op: 'untag', repository, tag }])
}

/**
 * A blob is no longer readable through a repository. Throws a `Refusal`: `BLOB_UNKNOWN`, or `UNSUPPORTED` while a
 * manifest of the repository refers to it.
 */
export function deleteBlob(state: RegistryState, repository: string, digest: ContentDigest): Decision<undefined> {
  const known = repositoryOf(state, repository)
  if (!known.blobs.has(digest))
    throw new Refusal('BLOB_UNKNOWN', `cannot delete blob ${digest}: ${repository} does not have it`)
  checkUnreferenced(known, digest, repository)
  return decision([{ op: 'unlink', repository, digest }])
}

/** Tags move together when each names what is expected; see the port. */
export function moveTags(state: RegistryState, repository: string, moves: readonly TagMove[]): Decision<MoveOutcome> {
  const own = moves.map((move) => ({ ...move, repository }))
  if (!isExpected(state, own)) {
    const known = state.repositories.get(repository)
    const found = new Map(moves.map(({ tag }) => [tag, known?.tags.get(tag)]))
    return decision([], { moved: false, found })
  }
  return decision(tagRecords(state, own), { moved: true })
}

/** Tags of several repositories move together when each names what is expected; see the port. */
export function moveTagsTogether(state: RegistryState, moves: readonly RepositoryTagMove[]): Decision<boolean> {
  const isMoved = isExpected(state, moves)
  return decision(isMoved ? tagRecords(state, moves) : [], isMoved)
}

function isExpected(state: RegistryState, moves: readonly RepositoryTagMove[]): boolean {
  return moves.every(({ repository, tag, expected }) => {
    return state.repositories.get(repository)?.tags.get(tag) === expected
  })
}

function tagRecords(state: RegistryState, moves: readonly RepositoryTagMove[]): StateRecord[] {
  return moves.map(({ repository, tag, next }): StateRecord => {
    if (next === undefined) return { op: 'untag', repository, tag }
    if (!isManifestOf(state, repository, next)) throw manifestUnknown(repository, next)
    return { op: 'tag', repository, tag, digest: next }
  })
}

/** Whether a blob can be read through a repository. */
export function isBlobOf(state: RegistryState, repository: string, digest: ContentDigest): boolean {
  return state.has(digest) && state.repositories.get(repository)?.blobs.has(digest) === true
}

/** Whether a manifest can be read through a repository. */
export function isManifestOf(state: RegistryState, repository: string, digest: ContentDigest): boolean {
  return state.has(digest) && state.repositories.get(repository)?.manifests.has(digest) === true
}

function repositoryOf(state: RegistryState, name: string): RepositoryState {
  const repository = state.repositories.get(name)
  if (repository === undefined) throw new Refusal('NAME_UNKNOWN', `there is no repository ${name}`)
  return repository
}

/** What a manifest refers to stays while the manifest does, so that no acknowledged image loses a part. */
function checkUnreferenced(known: RepositoryState, digest: ContentDigest, repository: string): void {
  for (const manifest of known.manifests.values()) {
    if (!manifest.references.includes(digest)) continue
    throw new Refusal(
      'UNSUPPORTED',
      `cannot delete ${digest}: ${manifest.digest} of ${repository} refers to it; delete that first`,
    )
  }
}

function manifestUnknown(repository: string, reference: string): Refusal {
  return new Refusal('MANIFEST_UNKNOWN', `${repository} has no manifest ${reference}`)
}

/** What makes content known that is not, with its bytes where they lie in no file. */
export function contentRecords(
  state: RegistryState,
  { digest, size, bytes }: Omit<NewContent, 'repository'>,
): JournalBatch {
  if (state.has(digest)) return { records: [], inline: new Map() }
  if (bytes === undefined) return { records: [{ op: 'content', digest, size }], inline: new Map() }
  return { records: [{ op: 'content', digest, size, inline: true }], inline: new Map([[digest, bytes]]) }
}

function decision(records: readonly StateRecord[]): Decision<undefined>
function decision<Result>(records: readonly StateRecord[], result: Result): Decision<Result>
function decision<Result>(records: readonly StateRecord[], result?: Result): Decision<Result | undefined> {
  return { records, inline: new Map(), result }
}
