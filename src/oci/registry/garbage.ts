import type { ContentDigest } from './content-digest.ts'
import type { RegistryState, RepositoryState, StateRecord } from './state.ts'

/** What garbage collection may take. Times in milliseconds. */
export interface GarbageRules {
  /** What a client stored, mounted or looked for since then stays. */
  readonly cutoff: number
  /** Whether manifests go that have no tag, are in no index that stays and are no referrer of one that stays. */
  readonly untagged: boolean
}

/**
 * The records that take the garbage out of one repository: blobs that no manifest refers to and, where the rules say so,
 * manifests that nothing leads to. What a manifest that stays refers to is never among them.
 */
export function garbageOf(state: RegistryState, repository: string, rules: GarbageRules): StateRecord[] {
  const known = state.repositories.get(repository)
  if (known === undefined) return []
  const kept = rules.untagged ? reachable(known, rules.cutoff) : new Set(known.manifests.keys())
  const manifests = [...known.manifests.keys()].filter((digest) => !kept.has(digest))
  const needed = new Set([...kept].flatMap((digest) => known.manifests.get(digest)?.references ?? []))
  const blobs = [...known.blobs].filter(([digest, touched]) => touched < rules.cutoff && !needed.has(digest))
  return [
    ...manifests.map((digest): StateRecord => ({ op: 'unmanifest', repository, digest })),
    ...blobs.map(([digest]): StateRecord => ({ op: 'unlink', repository, digest })),
  ]
}

/** Contents that no repository leads to; those of pushes under way are the caller's to leave out. */
export function unheldContents(state: RegistryState): ContentDigest[] {
  return [...state.contents.values()].flatMap(({ digest, holders }) => (holders === 0 ? [digest] : []))
}

/** Manifests that a tag, an index, a subject or a client of late leads to, and all that they lead to. */
function reachable(known: RepositoryState, cutoff: number): Set<ContentDigest> {
  const recent = [...known.manifestTimes].flatMap(([digest, time]) => (time >= cutoff ? [digest] : []))
  const kept = new Set<ContentDigest>()
  const queue: ContentDigest[] = [...known.tags.values(), ...recent]
  for (let digest = queue.pop(); digest !== undefined; digest = queue.pop()) {
    const manifest = known.manifests.get(digest)
    if (manifest === undefined || kept.has(digest)) continue
    kept.add(digest)
    queue.push(...manifest.references, ...(known.referrers.get(digest) ?? []))
  }
  return kept
}
