import type { Digest } from '#core'
import { type Descriptor, describe } from '../descriptor.ts'
import { OciError } from '../errors.ts'
import { formatIndex, parseIndex } from '../index-document.ts'
import { MEDIA_TYPES } from '../media-types.ts'
import { checkReferrers, referrersTag } from '../repository.ts'
import { SharedRun } from '../shared-run.ts'
import type { RegistryClient } from './registry-client.ts'

/** How often an index is written again that another client has written meanwhile. */
const ATTEMPTS = 5

/** The referrers that a registry without the API keeps under a tag; none where there is no such tag. */
export async function readReferrersTag(client: RegistryClient, subject: Digest): Promise<readonly Descriptor[]> {
  const tag = referrersTag(subject)
  const found = await client.readManifest(tag)
  if (found === undefined) return []
  const { manifests } = parseIndex(found.bytes, `the index of referrers ${client.name}:${tag}`)
  checkReferrers(manifests.length, `${client.name}@${subject}`)
  return manifests
}

/** Writes such tags for one client: referrers of a subject that come while its tag is written go there together. */
export class ReferrersTags {
  readonly #client: RegistryClient
  readonly #additions = new Map<Digest, { waiting: Descriptor[]; write: SharedRun }>()

  constructor(client: RegistryClient) {
    this.#client = client
  }

  /** Resolves when the referrer is in the index under the subject's tag. Rejects with `REGISTRY_FAILED` where others keep it out. */
  async add(subject: Digest, referrer: Descriptor): Promise<void> {
    let addition = this.#additions.get(subject)
    if (addition === undefined) {
      const waiting: Descriptor[] = []
      const write = new SharedRun(() => addToReferrersTag(this.#client, subject, waiting.splice(0)))
      addition = { waiting, write }
      this.#additions.set(subject, addition)
    }
    addition.waiting.push(referrer)
    await addition.write.request()
  }
}

/**
 * Adds referrers to the index under the subject's tag (distribution-spec §pushing-manifests-with-subject). Registries
 * have no way to change a tag only if nobody else has: what was written is read again, and written again if it was lost.
 */
async function addToReferrersTag(
  client: RegistryClient,
  subject: Digest,
  referrers: readonly Descriptor[],
): Promise<void> {
  const tag = referrersTag(subject)
  for (let attempt = 0; ; attempt++) {
    const known = await readReferrersTag(client, subject)
    const missing = referrers.filter((referrer) => !known.some(({ digest }) => digest === referrer.digest))
    const [first] = missing
    if (first === undefined) return
    if (attempt === ATTEMPTS) {
      const reason = `other clients changed its index of referrers ${ATTEMPTS} times meanwhile`
      throw new OciError('REGISTRY_FAILED', `cannot attach ${first.digest} to ${client.name}@${subject}: ${reason}`)
    }
    const bytes = formatIndex({ mediaType: MEDIA_TYPES.index, manifests: [...known, ...missing] })
    await client.putManifest({ descriptor: describe(MEDIA_TYPES.index, bytes), bytes }, tag)
  }
}
