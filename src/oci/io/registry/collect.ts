import { join } from 'node:path'
import { algorithmOf, type ContentDigest, contentDigestOf } from '../../registry/content-digest.ts'
import { garbageOf, unheldContents } from '../../registry/garbage.ts'
import type { ContentEntry, StateRecord } from '../../registry/state.ts'
import { syncFolder } from './disk.ts'
import type { RegistryStore } from './store.ts'

/** What garbage collection may take. */
export interface CollectOptions {
  /** How long what a client has touched is left alone, in milliseconds. */
  readonly grace: number
  /** Whether manifests go that nothing leads to: no tag, no index, no subject. */
  readonly untagged?: boolean
}

/** What garbage collection took. */
export interface CollectReport {
  readonly manifests: number
  readonly links: number
  readonly contents: number
  readonly bytes: number
  /** Files of which the registry knew nothing: what was not acknowledged when a process died. */
  readonly orphans: number
}

const CHUNK = 500

/**
 * Takes what nothing leads to, while clients push and pull. Each step decides on the state as it is when no other change
 * is under way, in a batch of its own, so that a manifest stored before it is seen and one stored after it finds its
 * blobs gone and is refused: what was acknowledged keeps all its parts. Rejects with the codes of `RegistryStore`.
 */
export async function collectGarbage(store: RegistryStore, options: CollectOptions): Promise<CollectReport> {
  const { state } = store
  const rules = { cutoff: store.now() - options.grace, untagged: options.untagged ?? false }
  let [manifests, links] = [0, 0]
  for (const repository of [...state.repositories.keys()]) {
    const records = await store.commit({
      exclusive: true,
      decide: () => {
        const garbage = garbageOf(state, repository, rules)
        return { records: garbage, inline: new Map(), result: garbage }
      },
    })
    manifests += records.filter(({ op }) => op === 'unmanifest').length
    links += records.filter(({ op }) => op === 'unlink').length
  }
  const forgotten = await forgetContents(store)
  const orphans = await removeOrphans(store)
  await clearPacks(store)
  // What is gone from the state may go from the disk at any time later, so its files need no sync of their own.
  for (const algorithm of ['sha256', 'sha512']) await syncFolder(join(store.root, 'blobs', algorithm))
  return { manifests, links, ...forgotten, orphans }
}

async function forgetContents(store: RegistryStore): Promise<{ contents: number; bytes: number }> {
  const { state } = store
  let [contents, bytes] = [0, 0]
  const candidates = unheldContents(state)
  for (let start = 0; start < candidates.length; start += CHUNK) {
    const taken = await store.commit({
      exclusive: true,
      decide: () => {
        const isGarbage = (digest: ContentDigest) =>
          state.contents.get(digest)?.holders === 0 && !store.isPinned(digest)
        const digests = candidates.slice(start, start + CHUNK).filter(isGarbage)
        const sizes = digests.reduce((sum, digest) => sum + (state.contents.get(digest)?.size ?? 0), 0)
        return {
          records: digests.map((digest) => ({ op: 'forget', digest }) as const),
          inline: new Map(),
          result: { digests, sizes },
        }
      },
    })
    for (const digest of taken.digests) await removeUnknown(store, digest)
    contents += taken.digests.length
    bytes += taken.sizes
  }
  return { contents, bytes }
}

async function removeOrphans(store: RegistryStore): Promise<number> {
  let orphans = 0
  for (const digest of await store.files.list()) {
    if (!store.state.contents.has(digest) && (await removeUnknown(store, digest))) orphans++
  }
  return orphans
}

/** Removes packs that nothing leads to any more, and has the rest of those that have become mostly empty written anew. */
async function clearPacks(store: RegistryStore): Promise<void> {
  const packs = store.packs.list()
  const byPack = Map.groupBy(store.state.contents.values(), ({ place }) => place?.pack)
  for (const [number, size] of packs) {
    const left = byPack.get(number) ?? []
    const bytes = left.reduce((sum, content) => sum + content.size, 0)
    if (bytes > size / 2) continue
    for (let start = 0; start < left.length; start += CHUNK) {
      await writeAnew(store, number, left.slice(start, start + CHUNK))
    }
    const isEmpty = left.every((content) => !isIn(store, number, content))
    if (isEmpty) await store.packs.remove(number)
  }
}

/** Brings contents of a pack to the journal again, so that they come to another. What is damaged stays, for `scrub` to find. */
async function writeAnew(store: RegistryStore, number: number, contents: readonly ContentEntry[]): Promise<void> {
  const inline = new Map<ContentDigest, Uint8Array>()
  for (const content of contents) {
    const bytes = isIn(store, number, content) ? await store.small.read(content) : undefined
    if (bytes !== undefined && contentDigestOf(bytes, algorithmOf(content.digest)) === content.digest) {
      inline.set(content.digest, bytes)
    }
  }
  await store.commit({
    exclusive: true,
    decide: () => {
      const left = contents.filter((content) => inline.has(content.digest) && isIn(store, number, content))
      const records = left.map(({ digest, size }): StateRecord => ({ op: 'content', digest, size, inline: true }))
      const own = left.map(({ digest }) => [digest, inline.get(digest) ?? new Uint8Array()] as const)
      return { records, inline: new Map(own), result: undefined }
    },
  })
}

/** Whether a content is known still, and lies in a pack. */
function isIn({ state }: RegistryStore, number: number, content: ContentEntry): boolean {
  return state.contents.get(content.digest) === content && content.place?.pack === number
}

/** Removes a content's file unless it has become known, or is about to. */
async function removeUnknown(store: RegistryStore, digest: ContentDigest): Promise<boolean> {
  return await store.contentLock.run(digest, async () => {
    if (store.state.contents.has(digest) || store.isPinned(digest)) return false
    await store.files.remove(digest)
    return true
  })
}
