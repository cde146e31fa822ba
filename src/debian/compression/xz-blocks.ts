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

const HEADER = 12
const FOOTER = 12
const MAGIC = 'fd377a585a00'
const FOOTER_MAGIC = 0x595a
const CHECK_TYPES = 16
const MAX_INDEX = 2 ** 20

/**
 * Finds the blocks of a file that is exactly one xz stream, from its index (xz format §2.1, §4), in order. What they
 * decode to, joined, is what the stream decodes to, as every length and checksum of the index is verified here and each
 * block is verified against the index by decoding it inside `xzBlockFrame`.
 * Throws `COMPRESSION_INVALID` for anything else, several streams and stream padding among it.
 */
export function xzBlocks(read: ReadAt, size: number, origin: string): XzBlock[] {
  if (size < HEADER + FOOTER + 8) throw invalid(origin, 'it is cut short')
  const header = Buffer.from(read(0, HEADER))
  const footer = Buffer.from(read(size - FOOTER, FOOTER))
  const flags = header.readUInt16BE(6)
  if (header.toString('hex', 0, 6) !== MAGIC || header.readUInt32LE(8) !== crc32(header.subarray(6, 8))) {
    throw invalid(origin, 'its header is damaged')
  }
  if (footer.readUInt16BE(10) !== FOOTER_MAGIC || footer.readUInt32LE(0) !== crc32(footer.subarray(4, 10))) {
    throw invalid(origin, 'its footer is damaged')
  }
  if (footer.readUInt16BE(8) !== flags || flags >= CHECK_TYPES) throw invalid(origin, 'its flags are unknown or differ')
  const indexSize = (footer.readUInt32LE(4) + 1) * 4
  if (indexSize > Math.min(MAX_INDEX, size - HEADER - FOOTER)) throw invalid(origin, 'its index is too large')
  const index = Buffer.from(read(size - FOOTER - indexSize, indexSize))
  const blocks = parseIndex(index, flags)
  const end = HEADER + (blocks ?? []).reduce((sum, block) => sum + block.length, 0)
  if (blocks === undefined || end !== size - FOOTER - indexSize) throw invalid(origin, 'its index is damaged')
  return blocks
}

/**
 * Gives the bytes to put before and behind a block to make it an xz stream of its own. A decoder that takes the stream
 * has verified the block's sizes and check.
 */
export function xzBlockFrame(block: XzBlock): { readonly head: Uint8Array; readonly tail: Uint8Array } {
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

/** The blocks that an index lists, or `undefined` when it is damaged. */
function parseIndex(index: Buffer, flags: number): XzBlock[] | undefined {
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
  const blocks: XzBlock[] = []
  let offset = HEADER
  for (let number = 0; number < count; number++) {
    const unpaddedSize = integer()
    const uncompressedSize = integer()
    const length = Math.ceil(unpaddedSize / 4) * 4
    if (!Number.isSafeInteger(uncompressedSize) || !Number.isSafeInteger(offset + length) || length < 8)
      return undefined
    blocks.push({ offset, length, unpaddedSize, uncompressedSize, flags })
    offset += length
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
  return new DebianError('COMPRESSION_INVALID', `cannot find the xz blocks of ${origin}: ${reason}`)
}
