import { MEDIA_TYPES } from '../../media-types.ts'
import type { ContentDigest } from '../../registry/content-digest.ts'
import { compareNames, linkToNext, PAGE_LIMIT, pageOf } from '../../registry/paging.ts'
import { Refusal } from '../../registry/refusal.ts'
import type { ManifestEntry } from '../../registry/state.ts'
import type { Exchange } from './exchange.ts'
import { referrersOf } from './manifest-requests.ts'
import type { Serving } from './serving.ts'

/** The most bytes of a list of referrers: clients read no larger documents. */
const REFERRERS_BYTES = 3 * 1024 * 1024

/** The tags of a repository, page by page (distribution-spec §listing-tags). */
export function sendTags(exchange: Exchange, { store }: Serving, repository: string): void {
  if (!store.state.repositories.has(repository))
    throw new Refusal('NAME_UNKNOWN', `there is no repository ${repository}`)
  const { items, next } = pageOf(store.list(repository), exchange.query)
  exchange.sendJson(200, { name: repository, tags: items }, linkOf(exchange, next, items.length))
}

/** The repositories that whoever asks may read (docker-registry's `_catalog`). */
export function sendCatalog(exchange: Exchange, { store, authority }: Serving): void {
  const readable = [...store.state.repositories.keys()].filter((name) =>
    authority.allows(exchange.identity, name, 'pull'),
  )
  const { items, next } = pageOf(readable.sort(compareNames), exchange.query)
  exchange.sendJson(200, { repositories: items }, linkOf(exchange, next, items.length))
}

/** What names a manifest as its subject, as an index, page by page (distribution-spec §listing-referrers). */
export function sendReferrers(
  exchange: Exchange,
  serving: Serving,
  { repository, digest }: { repository: string; digest: ContentDigest },
): void {
  const { query } = exchange
  const type = query.get('artifactType')
  const last = query.get('last') ?? ''
  const wanted = referrersOf(serving, repository, digest).filter(
    (entry) => entry.digest > last && (type === null || entry.artifactType === type),
  )
  const manifests: object[] = []
  let bytes = 0
  for (const entry of wanted.slice(0, PAGE_LIMIT)) {
    const descriptor = descriptorOf(entry)
    bytes += JSON.stringify(descriptor).length
    if (bytes > REFERRERS_BYTES && manifests.length > 0) break
    manifests.push(descriptor)
  }
  const next = manifests.length < wanted.length ? wanted[manifests.length - 1]?.digest : undefined
  const headers = {
    'content-type': MEDIA_TYPES.index,
    ...(type === null ? {} : { 'oci-filters-applied': 'artifactType' }),
    ...linkOf(exchange, next, manifests.length),
  }
  exchange.sendJson(200, { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests }, headers)
}

function descriptorOf({ mediaType, digest, size, artifactType, annotations }: ManifestEntry): object {
  return { mediaType, digest, size, artifactType, annotations }
}

function linkOf(exchange: Exchange, next: string | undefined, count: number): Record<string, string> {
  return next === undefined ? {} : { link: linkToNext(exchange.path, exchange.query, next, count) }
}
