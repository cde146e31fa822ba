import { inParallel } from '#core'
import { algorithmOf, type ContentDigest, contentDigestOf } from '../../registry/content-digest.ts'
import type { ContentEntry } from '../../registry/state.ts'
import type { RegistryStore } from './store.ts'

/** What reading everything again found. */
export interface ScrubReport {
  readonly contents: number
  readonly bytes: number
  /** Contents whose bytes are not those of their digest, or gone; each with where its file was put. */
  readonly damaged: readonly { readonly digest: ContentDigest; readonly quarantine?: string }[]
  /** Tags and manifests that lead to something that is not there. */
  readonly broken: readonly string[]
}

const READERS = 2

/**
 * Reads every content and compares it with its digest, while clients push and pull. What is damaged is put aside and no
 * longer served; pushing it again heals it. Rejects with `STORE_FAILED` when a file cannot be read: that it was not
 * checked is no answer.
 */
export async function scrub(store: RegistryStore): Promise<ScrubReport> {
  const contents = [...store.state.contents.values()]
  const damaged: { digest: ContentDigest; quarantine?: string }[] = []
  let bytes = 0
  await inParallel(READERS, contents, async (content) => {
    const { digest, size } = content
    await store.contentLock.run(digest, async () => {
      // What went meanwhile is not missed, and what stands in the journal has its checksum there.
      if (!store.state.contents.has(digest) || store.small.fresh(digest) !== undefined) return
      bytes += size
      if (await isWhole(store, content)) return
      store.markDamaged(digest)
      const quarantine = await store.files.quarantine(digest, store.now())
      damaged.push({ digest, ...(quarantine === undefined ? {} : { quarantine }) })
    })
  })
  return { contents: contents.length, bytes, damaged, broken: brokenIn(store) }
}

async function isWhole(store: RegistryStore, content: ContentEntry): Promise<boolean> {
  const { digest, place } = content
  if (place === undefined) return await store.files.verify(digest)
  const bytes = await store.small.read(content)
  return bytes !== undefined && contentDigestOf(bytes, algorithmOf(digest)) === digest
}

function brokenIn({ state }: RegistryStore): string[] {
  const broken: string[] = []
  for (const [name, { tags, manifests }] of state.repositories) {
    for (const [tag, digest] of tags)
      if (!manifests.has(digest)) broken.push(`${name}:${tag} names ${digest}, which is not there`)
    for (const { digest, references } of manifests.values()) {
      const missing = [digest, ...references].filter((reference) => !state.has(reference))
      if (missing.length > 0) broken.push(`${name}@${digest} lacks ${missing.join(', ')}`)
    }
  }
  return broken
}
