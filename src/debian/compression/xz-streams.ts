import { crc32 } from 'node:zlib'
import type { ReadAt } from '#core'
import { DebianError } from '../errors.ts'

/** One block of an xz stream, which can be decoded on its own. */
export interface XzBlock {
  readonly offset: number
  /** Bytes with header and padding: a multiple of 4. */
  readonly length: number
  /** Bytes with header, without padding, as the index has them ("Unpadded Size"). */
  readonly unpaddedSize: number
  readonly uncompressedSize: number
  /** The stream's flags: which integrity check its blocks carry. */
  readonly flags: number
}

/** An xz stream: its blocks between a header and an index. */
export interface XzStream {
  readonly offset: number
  readonly blocks: readonly XzBlock[]
}

const HEADER = 12
const FOOTER = 12
const MAGIC = 'fd377a585a00'
const FOOTER_MAGIC = 0x595a
const CHECK_TYPES = 16
/** The filter's ID. */
const LZMA2 = 0x21
const MAX_INDEX = 2 ** 20
/** Bytes of padding that are looked through at a time. */
const PADDING_STEP = 4096

/**
 * Finds the streams of a file from their indexes (xz format §2), in order. What their blocks decode to, joined, is what the
 * file decodes to: every length and checksum of an index is verified here, and each block is verified against its index by
 * decoding it, within its stream or within `xzBlockFrame`. Throws `COMPRESSION_INVALID` for a file that is not one or more
 * streams with padding in multiples of 4 bytes.
 */
export function xzStreams(read: ReadAt, size: number, origin: string): XzStream[] {
  const streams: XzStream[] = []
  for (let end = size; end > 0; ) {
    end = paddingStart(read, end)
    if ((size - end) % 4 !== 0) throw invalid(origin, 'it is cut short, or something else follows it')
    const stream = readStream(read, end, origin)
    streams.push(stream)
    end = stream.offset
  }
  if (streams.length === 0) throw invalid(origin, 'it is cut short')
  return streams.reverse()
}

/**
 * Gives the bytes to put before and behind a block to make it an xz stream of its own. A decoder that takes the stream
 * has verified the block's sizes and check.
 */
export function xzBlockFrame(block: Pick<XzBlock, 'unpaddedSize' | 'uncompressedSize' | 'flags'>): {
  readonly head: Uint8Array
  readonly tail: Uint8Array
} {
  const head = Buffer.alloc(HEADER)
  head.write(MAGIC, 'hex')
  head.writeUInt16BE(block.flags, 6)
  head.writeUInt32LE(crc32(head.subarray(6, 8)), 8)
  const records = [0, 1, ...encodeInteger(block.unpaddedSize), ...encodeInteger(block.uncompressedSize)]
  while (records.length % 4 !== 0) records.push(0)
  const tail = Buffer.alloc(records.length + 4 + FOOTER)
  tail.set(records)
  tail.writeUInt32LE(crc32(tail.subarray(0, records.length)), records.length)
  const footer = tail.subarray(records.length + 4)
  footer.writeUInt32LE((records.length + 4) / 4 - 1, 4)
  footer.writeUInt16BE(block.flags, 8)
  footer.writeUInt32LE(crc32(footer.subarray(4, 10)), 0)
  footer.writeUInt16BE(FOOTER_MAGIC, 10)
  return { head, tail }
}

/** Bytes as an xz stream that stores them: one LZMA2 chunk without compression, at most 64 KiB, without integrity check. */
export function storedXzStream(bytes: Uint8Array): Uint8Array {
  const header = Buffer.from([2, 0, LZMA2, 1, 0, 0, 0, 0, 0, 0, 0, 0])
  header.writeUInt32LE(crc32(header.subarray(0, 8)), 8)
  const last = bytes.length - 1
  const block = Buffer.concat([header, Buffer.from([1, last >> 8, last & 0xff]), bytes, Buffer.of(0)])
  const { head, tail } = xzBlockFrame({ unpaddedSize: block.length, uncompressedSize: bytes.length, flags: 0 })
  return Buffer.concat([head, block, Buffer.alloc(-block.length & 3), tail])
}

/**
 * The size of the LZMA2 dictionary that a block's header asks for, in bytes (xz format §3.1, §5.3.1); 0 where it does not
 * say so in the order that the format has. The decoder verifies the header itself.
 */
export function dictionarySize(header: Uint8Array): number {
  const flags = header[1] ?? 0
  let at = 2
  const skipInteger = () => {
    while ((header[at++] ?? 0) >= 0x80);
  }
  if ((flags & 0x40) !== 0) skipInteger()
  if ((flags & 0x80) !== 0) skipInteger()
  for (let filters = (flags & 3) + 1; filters > 0; filters--) {
    if (header[at] === LZMA2 && header[at + 1] === 1) {
      const bits = (header[at + 2] ?? 0) & 0x3f
      return bits === 40 ? 2 ** 32 - 1 : (2 | (bits & 1)) * 2 ** (Math.floor(bits / 2) + 11)
    }
    skipInteger()
    const size = header[at++] ?? 0
    at += size
  }
  return 0
}

/** Where stream padding begins that ends at an offset: it is all zeros. */
function paddingStart(read: ReadAt, end: number): number {
  for (let at = end; at > 0; ) {
    const length = Math.min(PADDING_STEP, at)
    const bytes = read(at - length, length)
    const last = bytes.findLastIndex((byte) => byte !== 0)
    if (last >= 0) return at - length + last + 1
    at -= length
  }
  return 0
}

/** Reads the stream that ends at an offset from its footer backwards. */
function readStream(read: ReadAt, end: number, origin: string): XzStream {
  if (end < HEADER + FOOTER + 8) throw invalid(origin, 'it is cut short')
  const footer = Buffer.from(read(end - FOOTER, FOOTER))
  if (footer.readUInt16BE(10) !== FOOTER_MAGIC || footer.readUInt32LE(0) !== crc32(footer.subarray(4, 10))) {
    throw invalid(origin, 'it is no xz data, is cut short, or something else follows it')
  }
  const flags = footer.readUInt16BE(8)
  const indexSize = (footer.readUInt32LE(4) + 1) * 4
  if (indexSize > Math.min(MAX_INDEX, end - HEADER - FOOTER)) throw invalid(origin, 'its index is too large')
  const indexAt = end - FOOTER - indexSize
  const records = parseIndex(Buffer.from(read(indexAt, indexSize)))
  const offset = indexAt - HEADER - (records ?? []).reduce((sum, { length }) => sum + length, 0)
  if (records === undefined || offset < 0) throw invalid(origin, 'its index is damaged')
  const header = Buffer.from(read(offset, HEADER))
  if (header.toString('hex', 0, 6) !== MAGIC || header.readUInt32LE(8) !== crc32(header.subarray(6, 8))) {
    throw invalid(origin, 'its header is damaged')
  }
  if (header.readUInt16BE(6) !== flags || flags >= CHECK_TYPES) throw invalid(origin, 'its flags are unknown or differ')
  let at = offset + HEADER
  const blocks = records.map((record) => {
    const block = { ...record, offset: at, flags }
    at += record.length
    return block
  })
  return { offset, blocks }
}

/** The blocks that an index lists, or `undefined` when it is damaged. */
function parseIndex(index: Buffer): Omit<XzBlock, 'offset' | 'flags'>[] | undefined {
  const body = index.subarray(0, -4)
  if (index.readUInt32LE(body.length) !== crc32(body) || body[0] !== 0) return undefined
  let at = 1
  const integer = (): number => {
    let value = 0
    for (let shift = 0; shift < 9; shift++) {
      const byte = body[at++] ?? 0
      value += (byte & 0x7f) * 128 ** shift
      if (byte < 0x80) return byte === 0 && shift > 0 ? Number.NaN : value
    }
    return Number.NaN
  }
  const count = integer()
  if (!(count <= body.length)) return undefined
  const blocks: Omit<XzBlock, 'offset' | 'flags'>[] = []
  for (let number = 0; number < count; number++) {
    const unpaddedSize = integer()
    const uncompressedSize = integer()
    const length = Math.ceil(unpaddedSize / 4) * 4
    if (!Number.isSafeInteger(uncompressedSize) || !Number.isSafeInteger(length) || length < 8) return undefined
    blocks.push({ length, unpaddedSize, uncompressedSize })
  }
  const padding = body.subarray(at)
  return at <= body.length && padding.length < 4 && padding.every((byte) => byte === 0) ? blocks : undefined
}

function encodeInteger(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) | 0x80)
  }
}

function invalid(origin: string, reason: string): DebianError {
  return new DebianError('COMPRESSION_INVALID', `cannot decode xz data of ${origin}: ${reason}`)
}
