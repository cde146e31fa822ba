import { algorithmOf, type ContentDigest, contentDigestOf } from '../../registry/content-digest.ts'
import { CONTENTS_LIMITS, type ContentList, readContentList } from '../../registry/contents.ts'
import { type ManifestContent, readManifestContent } from '../../registry/manifest-content.ts'
import { Refusal } from '../../registry/refusal.ts'
import { BodyReader } from './body-reader.ts'
import type { Exchange } from './exchange.ts'
import { checkRight, unauthorized } from './rights.ts'
import type { Serving } from './serving.ts'

/**
 * Takes many small contents of some repositories in one request, for whoever may push to each: an extension of ours. A list
 * comes first, so that rights, names and sizes are checked before anything is kept; the bytes follow and are verified one by one.
 * All of it is acknowledged together, after one sync, or nothing is stored. Throws a `Refusal`.
 */
export async function answerContents(exchange: Exchange, serving: Serving): Promise<void> {
  if (exchange.method !== 'POST') {
    throw new Refusal('UNSUPPORTED', 'cannot do that with contents', { headers: { allow: 'POST' } })
  }
  // A stranger is told how to say who he is before he sends anything.
  if (!serving.authority.isWelcome(exchange.identity)) throw unauthorized(exchange, serving.authority, undefined)
  const body = new BodyReader(exchange.body())
  const line = await body.line(CONTENTS_LIMITS.list)
  if (line === undefined) {
    const words = `cannot store contents: want a list as one line of at most ${CONTENTS_LIMITS.list} bytes`
    throw new Refusal('SIZE_INVALID', words)
  }
  const list = readContentList(line)
  for (const { repository } of list.repositories) checkRight(exchange, serving, repository, 'push')
  const size = list.contents.reduce((sum, content) => sum + content.size, 0)
  await serving.bulk.during(size, async () => {
    const bytes = await takeContents(body, list)
    const outcome = await serving.store.putContents({
      ...{ list, bytes, manifests: readManifests(list, bytes) },
      mayPull: (repository) => serving.authority.allows(exchange.identity, repository, 'pull'),
    })
    exchange.sendJson(outcome.stored ? 201 : 409, outcome)
  })
}

async function takeContents(body: BodyReader, { contents }: ContentList): Promise<Map<ContentDigest, Uint8Array>> {
  const taken = new Map<ContentDigest, Uint8Array>()
  for (const { digest, size } of contents) {
    const bytes = await body.take(size)
    if (bytes === undefined) throw new Refusal('SIZE_INVALID', `cannot store contents: ${digest} ends too soon`)
    const found = contentDigestOf(bytes, algorithmOf(digest))
    if (found !== digest) {
      throw new Refusal('DIGEST_INVALID', `cannot store contents: a digest is ${found}, not ${digest}`)
    }
    taken.set(digest, bytes)
  }
  if (!(await body.isAtEnd())) throw new Refusal('SIZE_INVALID', 'cannot store contents: more comes than is listed')
  return taken
}

/** Reads the manifests among the contents; one of several repositories is read once, and as the same in each. */
function readManifests(
  { repositories }: ContentList,
  bytes: ReadonlyMap<ContentDigest, Uint8Array>,
): ReadonlyMap<ContentDigest, ManifestContent> {
  const read = new Map<ContentDigest, ManifestContent>()
  for (const { digest, mediaType } of repositories.flatMap(({ manifests }) => manifests)) {
    const known = read.get(digest)
    const content = known ?? readManifestContent(bytes.get(digest) ?? new Uint8Array(), mediaType)
    if (content.mediaType !== mediaType) {
      throw new Refusal('MANIFEST_INVALID', `cannot store manifest ${digest}: its media type is ${content.mediaType}`)
    }
    read.set(digest, content)
  }
  return read
}
