import { isRepository } from '../../reference.ts'
import { type ContentDigest, readContentDigest } from '../../registry/content-digest.ts'
import { readChunkRange } from '../../registry/range.ts'
import { Refusal } from '../../registry/refusal.ts'
import { mountBlob } from '../../registry/transactions.ts'
import type { Exchange } from './exchange.ts'
import type { Serving } from './serving.ts'
import type { Upload } from './upload.ts'

/** POST: a mount, a whole blob, or the beginning of an upload (distribution-spec §pushing-blobs). */
export async function beginUpload(exchange: Exchange, serving: Serving, repository: string): Promise<void> {
  const { query } = exchange
  const mount = query.get('mount')
  if (mount !== null && (await mountFrom(exchange, serving, repository, mount))) return
  const owner = exchange.identity.user ?? exchange.client
  const stated = query.get('digest')
  const digest = stated === null ? undefined : requireDigest(stated)
  const upload = serving.uploads.begin({ repository, owner })
  if (digest === undefined) {
    exchange.send(202, progressHeaders(upload))
    return
  }
  await receive(exchange, serving, upload, 'last')
  await finish(exchange, serving, upload, digest)
}

/** PATCH: the next bytes of an upload, by number or as they come (distribution-spec §pushing-a-blob-in-chunks). */
export async function continueUpload(exchange: Exchange, serving: Serving, upload: Upload): Promise<void> {
  await receive(exchange, serving, upload, 'more')
  exchange.send(202, progressHeaders(upload))
}

/** PUT: the last bytes, if any, and the digest of all. */
export async function finishUpload(exchange: Exchange, serving: Serving, upload: Upload): Promise<void> {
  const digest = requireDigest(exchange.query.get('digest') ?? '')
  await receive(exchange, serving, upload, 'last')
  await finish(exchange, serving, upload, digest)
}

/** GET: how far an upload has come. */
export function sendProgress(exchange: Exchange, upload: Upload): void {
  exchange.send(204, progressHeaders(upload))
}

/** DELETE: an upload is given up. */
export async function cancelUpload(exchange: Exchange, serving: Serving, upload: Upload): Promise<void> {
  checkIdle(upload)
  await serving.uploads.end(upload)
  exchange.send(204, {})
}

/**
 * Mounts a blob when the other repository has it and whoever asks may read it there. Otherwise nothing tells the two
 * apart: it is an upload like any other.
 */
async function mountFrom(exchange: Exchange, serving: Serving, repository: string, mount: string): Promise<boolean> {
  const digest = requireDigest(mount)
  const from = exchange.query.get('from') ?? ''
  if (!isRepository(from) || !serving.authority.allows(exchange.identity, from, 'pull')) return false
  const { store } = serving
  const isMounted = await store.pinned(digest, () =>
    store.commit({ decide: () => mountBlob(store.state, repository, from, digest) }),
  )
  if (isMounted) sendCreated(exchange, repository, digest)
  return isMounted
}

/** Takes a request's body into an upload. What came before a connection broke is kept. */
async function receive(exchange: Exchange, serving: Serving, upload: Upload, part: 'more' | 'last'): Promise<void> {
  checkIdle(upload)
  const expected = expectedLength(exchange, upload)
  const before = upload.size
  if (before + Number(exchange.header('content-length') ?? 0) > serving.blobLimit) throw tooLarge(serving.blobLimit)
  upload.busy = true
  try {
    for await (const chunk of exchange.body()) {
      if (upload.size + chunk.length > serving.blobLimit) throw tooLarge(serving.blobLimit)
      await upload.write(chunk)
    }
    if (expected !== undefined && upload.size - before !== expected) {
      throw new Refusal(
        'SIZE_INVALID',
        `the chunk has ${upload.size - before} bytes, its Content-Range says ${expected}`,
      )
    }
    if (part === 'more') {
      await upload.pause()
      await serving.uploads.relieve(upload)
    }
  } catch (error) {
    // A connection that broke leaves an upload to go on with; anything else ends it.
    if (exchange.isBroken) await upload.pause()
    else await serving.uploads.end(upload)
    throw error
  } finally {
    upload.touched = serving.store.now()
    upload.busy = false
  }
}

/** The bytes that a Content-Range promises. Throws a `Refusal`, status 416, for a chunk that is not the next. */
function expectedLength(exchange: Exchange, upload: Upload): number | undefined {
  const header = exchange.header('content-range')
  if (header === undefined) return undefined
  const range = readChunkRange(header)
  if (range === undefined || range.start !== upload.size) {
    throw outOfOrder(
      upload,
      `want the bytes from ${upload.size} on, got Content-Range ${JSON.stringify(header.slice(0, 60))}`,
    )
  }
  const length = exchange.header('content-length')
  if (length !== undefined && Number(length) !== range.end - range.start) {
    throw new Refusal(
      'SIZE_INVALID',
      `the chunk has ${length} bytes, its Content-Range says ${range.end - range.start}`,
    )
  }
  return range.end - range.start
}

/** Two requests must not write to one upload at the same time. */
function checkIdle(upload: Upload): void {
  if (upload.busy) throw outOfOrder(upload, 'another request is writing to this upload')
}

function outOfOrder(upload: Upload, reason: string): Refusal {
  const words = `cannot take the chunk: ${reason}`
  return new Refusal('BLOB_UPLOAD_INVALID', words, { status: 416, headers: progressHeaders(upload) })
}

function tooLarge(limit: number): Refusal {
  return new Refusal('SIZE_INVALID', `cannot store the blob: it has more than ${limit} bytes`, { status: 413 })
}

async function finish(exchange: Exchange, serving: Serving, upload: Upload, digest: ContentDigest): Promise<void> {
  upload.busy = true
  try {
    await upload.finish(serving.store, digest)
  } finally {
    await serving.uploads.end(upload)
  }
  sendCreated(exchange, upload.origin.repository, digest)
}

function sendCreated(exchange: Exchange, repository: string, digest: ContentDigest): void {
  exchange.send(201, { location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest })
}

function requireDigest(text: string): ContentDigest {
  const digest = readContentDigest(text)
  if (digest !== undefined) return digest
  throw new Refusal('DIGEST_INVALID', 'cannot store the blob: want ?digest= with sha256 or sha512 and all hex digits')
}

/** Where to go on, and from which byte; nothing yet is written as `0-0`, as every registry does. */
function progressHeaders(upload: Upload): Record<string, string> {
  return {
    location: `/v2/${upload.origin.repository}/blobs/uploads/${upload.id}`,
    range: `0-${Math.max(upload.size - 1, 0)}`,
    'docker-upload-uuid': upload.id,
  }
}
