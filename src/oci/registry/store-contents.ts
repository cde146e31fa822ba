import type { ContentDigest } from './content-digest.ts'
import type { ContentList, ContentsOutcome, PlacedDigest, PlacedTag, RepositoryList } from './contents.ts'
import type { ManifestContent } from './manifest-content.ts'
import type { RegistryState, StateRecord } from './state.ts'
import { contentRecords, type Decision, entryOf, isBlobOf, isManifestOf } from './transactions.ts'

/** Contents that are to be stored together: verified bytes, and manifests that have been read. */
export interface NewContents {
  readonly list: ContentList
  readonly bytes: ReadonlyMap<ContentDigest, Uint8Array>
  readonly manifests: ReadonlyMap<ContentDigest, ManifestContent>
  /** Whether whoever brings them may read a repository that they are to be mounted from. */
  mayPull(repository: string): boolean
}

/**
 * Contents become readable through their repositories, and tags name them: all, or none when anything is lacking or a tag
 * names something else than expected. A manifest may refer to what comes with it; a missing subject is no reason.
 */
export function storeContents(state: RegistryState, contents: NewContents): Decision<ContentsOutcome> {
  const parts = contents.list.repositories.map((list) => partOf(state, contents, list))
  const missing = parts.flatMap((part) => part.missing)
  const moved = parts.flatMap((part) => part.moved)
  if (missing.length + moved.length > 0) {
    return { records: [], inline: new Map(), result: { stored: false, missing, moved } }
  }
  const stored = contents.list.contents.map(({ digest, size }) => {
    const bytes = contents.bytes.get(digest)
    return contentRecords(state, { digest, size, ...(bytes === undefined ? {} : { bytes }) })
  })
  return {
    records: [...stored, ...parts].flatMap(({ records }) => records),
    inline: new Map(stored.flatMap(({ inline }) => [...inline])),
    result: {
      stored: true,
      added: parts.flatMap(({ added }) => added),
      mounted: parts.flatMap(({ mounted }) => mounted),
      tagged: parts.flatMap(({ tagged }) => tagged),
    },
  }
}

/** What one repository's part comes to. */
class Part {
  readonly records: StateRecord[] = []
  readonly added: PlacedDigest[] = []
  readonly mounted: PlacedDigest[] = []
  readonly missing: PlacedDigest[] = []
  readonly tagged: PlacedTag[] = []
  readonly moved: PlacedTag[] = []
}

function partOf(state: RegistryState, contents: NewContents, list: RepositoryList): Part {
  const part = new Part()
  const blobs = addBlobs(part, state, contents, list)
  addManifests(part, state, contents, { list, blobs })
  return part
}

/** Adds the blobs of a repository, and gives those that it has from now on and had not before. */
function addBlobs(
  part: Part,
  state: RegistryState,
  { bytes, mayPull }: NewContents,
  { repository, blobs }: RepositoryList,
): ReadonlySet<ContentDigest> {
  const linked = new Set<ContentDigest>()
  for (const { digest, from } of blobs) {
    if (isBlobOf(state, repository, digest)) continue
    const isMounted =
      !bytes.has(digest) && from?.some((name) => mayPull(name) && isBlobOf(state, name, digest)) === true
    if (!bytes.has(digest) && !isMounted) {
      part.missing.push({ repository, digest })
      continue
    }
    linked.add(digest)
    part.records.push({ op: 'link', repository, digest })
    ;(isMounted ? part.mounted : part.added).push({ repository, digest })
  }
  return linked
}

function addManifests(
  part: Part,
  state: RegistryState,
  { manifests, bytes }: NewContents,
  { list, blobs }: { list: RepositoryList; blobs: ReadonlySet<ContentDigest> },
): void {
  const { repository } = list
  const own = new Set(list.manifests.map(({ digest }) => digest))
  const lacking = new Set(part.missing.map(({ digest }) => digest))
  const known = state.repositories.get(repository)
  for (const { digest, tags } of list.manifests) {
    const content = manifests.get(digest)
    if (content === undefined) continue
    const missing = [
      ...content.blobs.filter((blob) => !blobs.has(blob) && !isBlobOf(state, repository, blob)),
      ...content.manifests.filter((child) => !own.has(child) && !isManifestOf(state, repository, child)),
    ]
    for (const one of missing) if (!lacking.has(one)) part.missing.push({ repository, digest: one })
    for (const one of missing) lacking.add(one)
    const isNew = !isManifestOf(state, repository, digest)
    if (isNew) part.added.push({ repository, digest })
    const size = bytes.get(digest)?.length ?? 0
    if (isNew) part.records.push({ op: 'manifest', repository, manifest: entryOf({ digest, size, content }) })
    for (const { tag, expected } of tags) {
      const named = known?.tags.get(tag)
      if (expected !== undefined && (named ?? 'none') !== expected) part.moved.push({ repository, tag })
      if (named === digest) continue
      part.tagged.push({ repository, tag })
      part.records.push({ op: 'tag', repository, tag, digest })
    }
  }
}
