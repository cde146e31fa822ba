import type { Digest } from '#core'
import { type Descriptor, describe } from '../descriptor.ts'
import { OciError } from '../errors.ts'
import { formatIndex, parseIndex } from '../index-document.ts'
import { MEDIA_TYPES } from '../media-types.ts'
import { checkReferrers, referrersTag } from '../repository.ts'
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

/**
 * Adds a referrer to the index under the subject's tag (distribution-spec §pushing-manifests-with-subject). Registries
 * have no way to change a tag only if nobody else has: what was written is read again, and written again if it was lost.
 */
export async function addToReferrersTag(client: RegistryClient, subject: Digest, referrer: Descriptor): Promise<void> {
  const tag = referrersTag(subject)
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const known = await readReferrersTag(client, subject)
    if (known.some(({ digest }) => digest === referrer.digest)) return
    const bytes = formatIndex({ mediaType: MEDIA_TYPES.index, manifests: [...known, referrer] })
    await client.putManifest({ descriptor: describe(MEDIA_TYPES.index, bytes), bytes }, tag)
  }
  const known = await readReferrersTag(client, subject)
  if (known.some(({ digest }) => digest === referrer.digest)) return
  const reason = `other clients changed its index of referrers ${ATTEMPTS} times meanwhile`
  throw new OciError('REGISTRY_FAILED', `cannot attach ${referrer.digest} to ${client.name}@${subject}: ${reason}`)
}
