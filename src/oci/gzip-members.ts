import { pipeline, Readable } from 'node:stream'
import { promisify } from 'node:util'
import { createGunzip, inflateRaw } from 'node:zlib'

/**
 * How a member begins that has neither name nor time (RFC 1952 §2.3.1): ID1, ID2, CM, FLG, and of MTIME two bytes: for more
 * than six, Node searches in another way, which takes four times as long here.
 */
const BEGIN = Buffer.from('1f8b08000000', 'hex')
const HEADER = 10
const TRAILER = 8
/** Bytes of a member, as it stands and inflated, beyond which it is inflated piece by piece. */
const MAX_MEMBER = 16 * 2 ** 20
const MAX_INFLATED = 64 * 2 ** 20
/** As many as Node has threads for. */
const AHEAD = 4
const CHUNK = 256 * 1024
/** More than the least that `node:zlib` takes for a chunk. */
const SPARE = 64

const inflate = promisify(inflateRaw)

/**
 * Undoes gzip (RFC 1952). Members that stand one behind the other, as in layers made of many packages, are inflated on
 * several threads; where what looks like a member's beginning is none, or a member is large, all from there on is inflated in
 * order. Rejects with what `node:zlib` says of damaged data; damage that only a sum shows is for the caller to find, by the
 * digest of all bytes.
 */
export async function* gunzip(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const cut = { isOver: false }
  const source = split(bytes, cut)
  const window: { readonly member: Buffer; readonly inflated: Promise<Buffer | undefined> }[] = []
  for (let ended = false; !ended || window.length > 0; ) {
    while (!ended && !cut.isOver && window.length < AHEAD) {
      const next = await source.next()
      if (next.done === true) ended = true
      else window.push({ member: next.value, inflated: inflateMember(next.value) })
      // Nothing is gained by holding more of what is inflated in order anyway.
      cut.isOver ||= next.done !== true && next.value.length > MAX_MEMBER
    }
    const first = window.shift()
    if (first === undefined) return
    const inflated = await first.inflated
    if (inflated === undefined) {
      cut.isOver = true
      const begun = [first, ...window].map(({ member }) => member)
      return yield* inflateInOrder(joined(begun, source))
    }
    yield inflated
  }
}

/**
 * Cuts data before everything that looks like the beginning of a member, and after `MAX_MEMBER` bytes without one; passes
 * them on as they come once cutting is over.
 */
async function* split(bytes: AsyncIterable<Uint8Array>, cut: { readonly isOver: boolean }): AsyncGenerator<Buffer> {
  const held = new HeldPieces()
  for await (const chunk of bytes) {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    if (cut.isOver) {
      if (held.size > 0) yield held.take()
      yield rest
      continue
    }
    const across = held.beginAcross(rest)
    if (across > 0) {
      const whole = held.take()
      yield whole.subarray(0, across)
      held.add(whole.subarray(across))
    }
    for (;;) {
      const at = rest.indexOf(BEGIN, held.size === 0 ? 1 : 0)
      if (at === -1) break
      held.add(rest.subarray(0, at))
      yield held.take()
      rest = rest.subarray(at)
    }
    held.add(rest)
    if (held.size > MAX_MEMBER) yield held.take()
  }
  if (held.size > 0) yield held.take()
}

/** Pieces of data that are not cut yet, copied once only, when they are taken. */
class HeldPieces {
  size = 0
  #pieces: Buffer[] = []
  /** The last bytes, too few for a beginning. */
  #tail: Buffer = Buffer.alloc(0)

  add(piece: Buffer): void {
    this.#pieces.push(piece)
    this.size += piece.length
    const most = BEGIN.length - 1
    this.#tail = piece.length >= most ? piece.subarray(-most) : Buffer.concat([this.#tail, piece]).subarray(-most)
  }

  /** Gives all that is held, as one. */
  take(): Buffer {
    const [only, ...others] = this.#pieces
    const whole = only !== undefined && others.length === 0 ? only : Buffer.concat(this.#pieces)
    this.#pieces = []
    this.size = 0
    this.#tail = Buffer.alloc(0)
    return whole
  }

  /** Where a beginning stands that lies partly in here and partly in the next piece; -1 where none does. */
  beginAcross(next: Buffer): number {
    const at = Buffer.concat([this.#tail, next.subarray(0, BEGIN.length - 1)]).indexOf(BEGIN)
    return at === -1 ? -1 : this.size - this.#tail.length + at
  }
}

/**
 * Inflates what should be exactly one member; `undefined` where it is not, or is too large for that. Its CRC is not looked
 * at: whoever reads a layer holds all of it against its digest.
 */
async function inflateMember(member: Buffer): Promise<Buffer | undefined> {
  const end = member.length - TRAILER
  if (member.length > MAX_MEMBER || end < HEADER || !member.subarray(0, BEGIN.length).equals(BEGIN)) return undefined
  const size = member.readUInt32LE(end + 4)
  if (size > MAX_INFLATED) return undefined
  try {
    // With room to spare the whole is one chunk; without, zlib asks for a second one to see that there is no more.
    const limits = { chunkSize: size + SPARE, maxOutputLength: size + SPARE }
    const inflated = await inflate(member.subarray(HEADER, end), limits)
    return inflated.length === size ? inflated : undefined
  } catch {
    // Whatever is wrong with it, inflating in order has the words for it.
    return undefined
  }
}

async function* inflateInOrder(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // In objects, so that pieces are counted and given one by one: the next ones are made while one is used.
  const inflater = createGunzip({ chunkSize: CHUNK, ...{ readableObjectMode: true, readableHighWaterMark: AHEAD } })
  // An error of either side ends the decoder, and the loop sees it.
  yield* pipeline(Readable.from(bytes), inflater, () => undefined)
}

async function* joined(first: readonly Buffer[], rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* first
  yield* rest
}
