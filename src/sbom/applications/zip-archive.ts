import { inflateRawSync } from 'node:zlib'
import { messageOf } from '#core'

/** A file of a zip archive, as its central directory says (APPNOTE, 4.3.12). */
export interface ZipEntry {
  readonly name: string
  /** Bytes when uncompressed, as the archive says. */
  readonly size: number
  readonly compressedSize: number
  readonly method: number
  readonly isEncrypted: boolean
  /** Where its local header stands, from the archive's first byte. */
  readonly offset: number
}

/** Why an archive, or a file of one, cannot be read. Analysers turn it into a fault. */
export class ZipFault extends Error {}

const END = 0x06054b50
const END_SIZE = 22
const END_64 = 0x06064b50
const LOCATOR_64 = 0x07064b50
const LOCATOR_64_SIZE = 20
const CENTRAL = 0x02014b50
const CENTRAL_SIZE = 46
const LOCAL = 0x04034b50
const LOCAL_SIZE = 30
const LONGEST_COMMENT = 0xffff
const IS_ENCRYPTED = 1
const STORED = 0
const DEFLATED = 8
/** The most files that an archive may have; the largest jars of the field have a third of it. */
const MOST_ENTRIES = 200_000

/** Reads the central directory of an archive, something before it allowed (a script that starts it). Throws `ZipFault`. */
export function readZipEntries(bytes: Buffer): readonly ZipEntry[] {
  const { count, size, offset, end } = readEnd(bytes)
  // What stands before the archive shifts every offset in it.
  const shift = end - size - offset
  if (size > end || shift < 0) throw new ZipFault('its central directory lies outside of it')
  if (count > MOST_ENTRIES) throw new ZipFault(`it has ${count} files, more than ${MOST_ENTRIES}`)
  const entries: ZipEntry[] = []
  for (let at = offset + shift, left = count; left > 0; left--) {
    if (at + CENTRAL_SIZE > end || bytes.readUInt32LE(at) !== CENTRAL) {
      throw new ZipFault(`its central directory is broken after ${entries.length} files`)
    }
    const nameLength = bytes.readUInt16LE(at + 28)
    const extraLength = bytes.readUInt16LE(at + 30)
    const next = at + CENTRAL_SIZE + nameLength + extraLength + bytes.readUInt16LE(at + 32)
    if (next > end) throw new ZipFault(`its central directory is broken after ${entries.length} files`)
    entries.push(readEntry(bytes, at, shift))
    at = next
  }
  return entries
}

/**
 * Gives the bytes of a file. Throws `ZipFault` when it is larger than `largest` bytes, whatever the directory says, encrypted,
 * compressed in another way than deflate, or broken.
 */
export function readZipFile(bytes: Buffer, entry: ZipEntry, largest: number): Buffer {
  const { offset, compressedSize, method, size } = entry
  if (entry.isEncrypted) throw new ZipFault('it is encrypted')
  if (size > largest) throw new ZipFault(`it has ${size} bytes, more than ${largest}`)
  if (offset + LOCAL_SIZE > bytes.length || bytes.readUInt32LE(offset) !== LOCAL) {
    throw new ZipFault('it does not begin where the directory says')
  }
  const start = offset + LOCAL_SIZE + bytes.readUInt16LE(offset + 26) + bytes.readUInt16LE(offset + 28)
  const content = bytes.subarray(start, start + compressedSize)
  if (content.length !== compressedSize) throw new ZipFault('it is cut short')
  if (method === STORED) {
    if (content.length > largest) throw new ZipFault(`it has ${content.length} bytes, more than ${largest}`)
    return content
  }
  if (method !== DEFLATED) throw new ZipFault(`it is compressed by method ${method}`)
  try {
    return inflateRawSync(content, { maxOutputLength: Math.max(1, largest) })
  } catch (error) {
    throw new ZipFault(`it cannot be uncompressed: ${messageOf(error)}`)
  }
}

/** Where the central directory stands: the zip64 form where the short one has no room. */
function readEnd(bytes: Buffer): { count: number; size: number; offset: number; end: number } {
  const lowest = Math.max(0, bytes.length - END_SIZE - LONGEST_COMMENT)
  for (let at = bytes.length - END_SIZE; at >= lowest; at--) {
    if (bytes.readUInt32LE(at) !== END || at + END_SIZE + bytes.readUInt16LE(at + 20) !== bytes.length) continue
    const short = { count: bytes.readUInt16LE(at + 10), size: bytes.readUInt32LE(at + 12), end: at }
    const offset = bytes.readUInt32LE(at + 16)
    const isFull = short.count === 0xffff || short.size === 0xffffffff || offset === 0xffffffff
    return isFull ? readEnd64(bytes, at) : { ...short, offset }
  }
  throw new ZipFault('it has no central directory')
}

function readEnd64(bytes: Buffer, before: number): { count: number; size: number; offset: number; end: number } {
  const locator = before - LOCATOR_64_SIZE
  if (locator < 0 || bytes.readUInt32LE(locator) !== LOCATOR_64) throw new ZipFault('its zip64 directory is missing')
  // Something before the archive shifts this place as well: the record stands right before its locator.
  const at = bytes.lastIndexOf(Buffer.from('PK\x06\x06', 'latin1'), locator)
  if (at < 0 || at + 56 > locator || bytes.readUInt32LE(at) !== END_64) {
    throw new ZipFault('its zip64 directory is missing')
  }
  const number = (place: number) => Number(bytes.readBigUInt64LE(place))
  return { count: number(at + 32), size: number(at + 40), offset: number(at + 48), end: at }
}

function readEntry(bytes: Buffer, at: number, shift: number): ZipEntry {
  const nameEnd = at + CENTRAL_SIZE + bytes.readUInt16LE(at + 28)
  const extra = bytes.subarray(nameEnd, nameEnd + bytes.readUInt16LE(at + 30))
  const [size, compressedSize, offset] = wideNumbers(
    [bytes.readUInt32LE(at + 24), bytes.readUInt32LE(at + 20), bytes.readUInt32LE(at + 42)],
    extra,
  )
  return {
    name: bytes.toString('utf8', at + CENTRAL_SIZE, nameEnd),
    size,
    compressedSize,
    method: bytes.readUInt16LE(at + 10),
    isEncrypted: (bytes.readUInt16LE(at + 8) & IS_ENCRYPTED) !== 0,
    offset: offset + shift,
  }
}

type Numbers = readonly [size: number, compressedSize: number, offset: number]

/** Numbers that have no room in a header stand, in this order, in its zip64 field (APPNOTE, 4.5.3). */
function wideNumbers(numbers: Numbers, extra: Buffer): Numbers {
  if (!numbers.includes(0xffffffff)) return numbers
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + extra.readUInt16LE(at + 2)
    if (extra.readUInt16LE(at) === 1) {
      let next = at + 4
      const wide = (short: number) => {
        if (short !== 0xffffffff) return short
        if (next + 8 > Math.min(end, extra.length)) throw new ZipFault('a zip64 field is cut short')
        next += 8
        return Number(extra.readBigUInt64LE(next - 8))
      }
      return [wide(numbers[0]), wide(numbers[1]), wide(numbers[2])]
    }
    at = end
  }
  return numbers
}
