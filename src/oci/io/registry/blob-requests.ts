import type { FileHandle } from 'node:fs/promises'
import type { ContentDigest } from '../../registry/content-digest.ts'
import { type ByteRange, readRange } from '../../registry/range.ts'
import { Refusal } from '../../registry/refusal.ts'
import { deleteBlob, isBlobOf } from '../../registry/transactions.ts'
import type { Exchange } from './exchange.ts'
import type { Serving } from './serving.ts'

/** A blob of a repository. */
export interface BlobTarget {
  readonly repository: string
  readonly digest: ContentDigest
}

const READ_SIZE = 512 * 1024

/** GET and HEAD of a blob, in parts and on conditions (distribution-spec §pulling-blobs, RFC 9110 §13 and §14). */
export async function sendBlob(
  exchange: Exchange,
  { store }: Serving,
  { repository, digest }: BlobTarget,
): Promise<void> {
  const content = store.state.contents.get(digest)
  if (content === undefined || !isBlobOf(store.state, repository, digest)) throw blobUnknown(repository, digest)
  // Who looks for a blob may rely on it in a manifest soon.
  store.state.repositories.get(repository)?.blobs.set(content.digest, store.now())
  const { size } = content
  const headers = {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    etag: `"${digest}"`,
    'accept-ranges': 'bytes',
    'cache-control': 'max-age=31536000, immutable',
    'x-content-type-options': 'nosniff',
  }
  const condition = conditionOf(exchange, digest)
  if (condition !== undefined) return exchange.send(condition, headers)
  const ifRange = exchange.header('if-range')
  const range = ifRange !== undefined && ifRange !== headers.etag ? 'whole' : readRange(exchange.header('range'), size)
  if (range === 'unsatisfiable') {
    const words = `cannot send that part of ${digest}: want one range within its ${size} bytes`
    throw new Refusal('SIZE_INVALID', words, { status: 416, headers: { 'content-range': `bytes */${size}` } })
  }
  const part = range === 'whole' ? { start: 0, end: size } : range
  const status = range === 'whole' ? 200 : 206
  const ranged = range === 'whole' ? {} : { 'content-range': `bytes ${part.start}-${part.end - 1}/${size}` }
  const full = { ...headers, ...ranged, 'content-length': part.end - part.start }
  if (exchange.method === 'HEAD' && (await store.small.holds(content))) {
    exchange.response.writeHead(status, full).end()
    return
  }
  const small = await store.small.read(content)
  if (small !== undefined) return exchange.send(status, full, small.subarray(part.start, part.end))
  const file = await store.files.open(digest, size)
  if (file === undefined) {
    store.markDamaged(digest)
    throw blobUnknown(repository, digest)
  }
  try {
    await sendFile(exchange, file, { part, begin: () => exchange.response.writeHead(status, full) })
  } finally {
    await file.close()
  }
}

/** DELETE of a blob: it can no longer be read through this repository (distribution-spec §deleting-blobs). */
export async function removeBlob(
  exchange: Exchange,
  { store }: Serving,
  { repository, digest }: BlobTarget,
): Promise<void> {
  await store.commit({ exclusive: true, decide: () => deleteBlob(store.state, repository, digest) })
  exchange.send(202, {})
}

export function blobUnknown(repository: string, digest: ContentDigest): Refusal {
  return new Refusal('BLOB_UNKNOWN', `${repository} has no blob ${digest}`)
}

/** The status that If-Match and If-None-Match call for, or `undefined` to go on. Content never changes under a digest. */
export function conditionOf(exchange: Exchange, digest: ContentDigest): 304 | 412 | undefined {
  const matches = (list: string) =>
    list.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === `"${digest}"`)
  const required = exchange.header('if-match')
  if (required !== undefined && !matches(required)) return 412
  const known = exchange.header('if-none-match')
  return known !== undefined && matches(known) ? 304 : undefined
}

/** A part of a file as an answer; `begin` says that it comes. */
interface SentPart {
  readonly part: ByteRange
  begin(): void
}

/**
 * One part is read while the one before is on its way. Two buffers take turns: fresh ones would cost more than reading. The answer
 * begins when there is something to send, so that a disk that fails at once has a status.
 */
async function sendFile(exchange: Exchange, file: FileHandle, { part, begin }: SentPart): Promise<void> {
  const { start, end } = part
  const { response } = exchange
  const buffers = [takeBuffer(), takeBuffer()] as const
  const sent: [Promise<void>, Promise<void>] = [Promise.resolve(), Promise.resolve()]
  let position = start
  const read = async (turn: 0 | 1) => {
    await sent[turn]
    const wanted = Math.min(READ_SIZE, end - position)
    const { bytesRead } = await file.read(buffers[turn], 0, wanted, position)
    position += bytesRead
    return buffers[turn].subarray(0, bytesRead)
  }
  let turn: 0 | 1 = 0
  let next = read(turn)
  try {
    await next
    begin()
    for (let left = end - start; left > 0; ) {
      const chunk = await next
      left -= chunk.length
      // A file that ends too soon breaks the connection: the client must not take it for the whole.
      if (chunk.length === 0) throw new Refusal('UNKNOWN', 'cannot send the blob: its file ends too soon')
      if (response.destroyed) break
      exchange.sent += chunk.length
      sent[turn] = new Promise((resolve) => response.write(chunk, () => resolve()))
      turn = turn === 0 ? 1 : 0
      if (left > 0) next = read(turn)
    }
    response.end()
  } finally {
    await next.catch(() => undefined)
    // A connection that breaks calls back for what it did not send, so nothing waits for ever.
    await Promise.all(sent)
    for (const buffer of buffers) if (idleBuffers.length < IDLE_BUFFERS) idleBuffers.push(buffer)
  }
}

/** Buffers that no request uses now. */
const idleBuffers: Buffer[] = []
const IDLE_BUFFERS = 32

function takeBuffer(): Buffer {
  return idleBuffers.pop() ?? Buffer.allocUnsafeSlow(READ_SIZE)
}
