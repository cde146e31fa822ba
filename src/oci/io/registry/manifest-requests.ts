import { MAX_DOCUMENT_BYTES } from '../../json-document.ts'
import { isTag } from '../../reference.ts'
import { algorithmOf, type ContentDigest, contentDigestOf, readContentDigest } from '../../registry/content-digest.ts'
import { readManifestContent } from '../../registry/manifest-content.ts'
import { Refusal } from '../../registry/refusal.ts'
import type { ManifestEntry } from '../../registry/state.ts'
import { deleteManifest, deleteTag } from '../../registry/transactions.ts'
import { conditionOf } from './blob-requests.ts'
import type { Exchange } from './exchange.ts'
import type { Serving } from './serving.ts'

/** A manifest of a repository by tag or digest. */
export interface ManifestTarget {
  readonly repository: string
  readonly reference: string
}

/** GET and HEAD of a manifest by tag or digest (distribution-spec §pulling-manifests). */
export async function sendManifest(exchange: Exchange, serving: Serving, target: ManifestTarget): Promise<void> {
  const { store, manifests } = serving
  const { repository, reference } = target
  const state = store.state.repositories.get(repository)
  if (state === undefined) throw new Refusal('NAME_UNKNOWN', `there is no repository ${repository}`)
  const digest = state.tags.get(reference) ?? readContentDigest(reference)
  const entry = digest === undefined ? undefined : state.manifests.get(digest)
  const served = entry && (manifests.peek(entry) ?? (await manifests.read(entry)))
  if (entry === undefined || served === undefined) throw manifestUnknown(target)
  state.manifestTimes.set(entry.digest, store.now())
  const condition = conditionOf(exchange, entry.digest)
  if (condition !== undefined) return exchange.send(condition, { etag: `"${entry.digest}"` })
  exchange.send(200, served.headers, served.bytes)
}

/** PUT of a manifest: everything that it refers to is there, then it is, then the tag (distribution-spec §pushing-manifests). */
export async function storeManifestRequest(
  exchange: Exchange,
  serving: Serving,
  target: ManifestTarget,
): Promise<void> {
  const { repository, reference } = target
  const named = digestNamed(exchange, reference)
  const tag = readContentDigest(reference) === undefined ? reference : undefined
  const bytes = await exchange.wholeBody(MAX_DOCUMENT_BYTES)
  const digest = contentDigestOf(bytes, named === undefined ? 'sha256' : algorithmOf(named))
  if (named !== undefined && named !== digest) {
    throw new Refusal('DIGEST_INVALID', `cannot store the manifest: its digest is ${digest}, not ${named}`)
  }
  const content = readManifestContent(bytes, exchange.header('content-type'))
  await serving.store.putManifest({
    repository,
    digest,
    size: bytes.length,
    bytes,
    content,
    ...(tag === undefined ? {} : { tag }),
  })
  exchange.send(201, {
    location: `/v2/${repository}/manifests/${digest}`,
    'docker-content-digest': digest,
    ...(content.subject === undefined ? {} : { 'oci-subject': content.subject }),
  })
}

/** DELETE of a manifest with its tags, or of a tag alone (distribution-spec §content-management). */
export async function removeManifest(exchange: Exchange, { store }: Serving, target: ManifestTarget): Promise<void> {
  const { repository, reference } = target
  const digest = readContentDigest(reference)
  if (digest === undefined && !isTag(reference)) throw manifestUnknown(target)
  await store.commit({
    exclusive: true,
    decide: () =>
      digest === undefined
        ? deleteTag(store.state, repository, reference)
        : deleteManifest(store.state, repository, digest),
  })
  exchange.send(202, {})
}

/** The manifests of a repository that name a subject, in the order of their digests. */
export function referrersOf({ store }: Serving, repository: string, subject: ContentDigest): ManifestEntry[] {
  const state = store.state.repositories.get(repository)
  return [...(state?.referrers.get(subject) ?? [])].sort().flatMap((digest) => state?.manifests.get(digest) ?? [])
}

/** The digest that a client says a manifest has: its reference, or beside a tag `?digest=`. */
function digestNamed(exchange: Exchange, reference: string): ContentDigest | undefined {
  const inPath = readContentDigest(reference)
  if (inPath !== undefined) return inPath
  if (reference.includes(':'))
    throw new Refusal('DIGEST_INVALID', 'cannot store the manifest: want a sha256 or sha512 digest')
  if (!isTag(reference)) throw new Refusal('MANIFEST_INVALID', 'cannot store the manifest: its tag is none')
  const stated = exchange.query.get('digest')
  if (stated === null) return undefined
  const digest = readContentDigest(stated)
  if (digest === undefined) throw new Refusal('DIGEST_INVALID', 'cannot store the manifest: ?digest= is no digest')
  return digest
}

function manifestUnknown({ repository, reference }: ManifestTarget): Refusal {
  return new Refusal('MANIFEST_UNKNOWN', `${repository} has no manifest ${reference.slice(0, 150)}`)
}
