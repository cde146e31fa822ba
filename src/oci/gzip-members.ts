import { pipeline, Readable } from 'node:stream'
import { promisify } from 'node:util'
import { crc32, createGunzip, inflateRaw } from 'node:zlib'

/** How a member begins that has neither name nor time (RFC 1952 §2.3.1): ID1, ID2, CM, FLG, MTIME. */
const BEGIN = Buffer.from('1f8b080000000000', 'hex')
const HEADER = 10
const TRAILER = 8
/** Bytes of a member, as it stands and inflated, beyond which it is inflated piece by piece. */
const MAX_MEMBER = 16 * 2 ** 20
const MAX_INFLATED = 64 * 2 ** 20
/** As many as Node has threads for. */
const AHEAD = 4
const CHUNK = 256 * 1024

const inflate = promisify(inflateRaw)

/**
 * Undoes gzip (RFC 1952). Members that stand one behind the other, as in layers made of many packages, are inflated on
 * several threads; where what looks like a member's beginning is none, all from there on is inflated in order. Rejects with
 * what `node:zlib` says of damaged data.
 */
export async function* gunzip(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = split(bytes)
  const window: { readonly member: Buffer; readonly inflated: Promise<Buffer | undefined> }[] = []
  for (let ended = false; !ended || window.length > 0; ) {
    while (!ended && window.length < AHEAD) {
      const next = await source.next()
      if (next.done === true) ended = true
      else window.push({ member: next.value, inflated: inflateMember(next.value) })
    }
    const first = window.shift()
    if (first === undefined) return
    const inflated = await first.inflated
    if (inflated === undefined) {
      const begun = [first, ...window].map(({ member }) => member)
      return yield* inflateInOrder(joined(begun, source))
    }
    yield inflated
  }
}

/** Cuts data before everything that looks like the beginning of a member, and after `MAX_MEMBER` bytes without one. */
async function* split(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let size = 0
  for await (const chunk of bytes) {
    // A beginning may lie across two chunks.
    const last = held.pop()
    const tail = last?.subarray(-(BEGIN.length - 1)) ?? Buffer.alloc(0)
    if (last !== undefined) held.push(last.subarray(0, last.length - tail.length))
    let rest = Buffer.concat([tail, chunk])
    size -= tail.length
    for (;;) {
      const at = rest.indexOf(BEGIN, size === 0 ? 1 : 0)
      if (at === -1) break
      yield Buffer.concat([...held, rest.subarray(0, at)])
      held = []
      size = 0
      rest = rest.subarray(at)
    }
    held.push(rest)
    size += rest.length
    if (size > MAX_MEMBER) {
      yield Buffer.concat(held)
      held = []
      size = 0
    }
  }
  if (size > 0) yield Buffer.concat(held)
}

/** Inflates what should be exactly one member; `undefined` where it is not, or is too large for that. */
async function inflateMember(member: Buffer): Promise<Buffer | undefined> {
  const end = member.length - TRAILER
  if (member.length > MAX_MEMBER || end < HEADER || !member.subarray(0, BEGIN.length).equals(BEGIN)) return undefined
  const size = member.readUInt32LE(end + 4)
  if (size > MAX_INFLATED) return undefined
  try {
    const limits = { chunkSize: Math.max(size, 64), maxOutputLength: Math.max(size, 64) }
    const inflated = await inflate(member.subarray(HEADER, end), limits)
    return inflated.length === size && crc32(inflated) === member.readUInt32LE(end) ? inflated : undefined
  } catch {
    // Whatever is wrong with it, inflating in order has the words for it.
    return undefined
  }
}

async function* inflateInOrder(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // An error of either side ends the decoder, and the loop sees it.
  yield* pipeline(Readable.from(bytes), createGunzip({ chunkSize: CHUNK }), () => undefined)
}

async function* joined(first: readonly Buffer[], rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* first
  yield* rest
}
