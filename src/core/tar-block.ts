import { hasControlCharacters } from './path.ts'
import { TAR_BLOCK, tarChecksum, USTAR } from './tar-header.ts'

/** The fields of one 512-byte tar header, decoded but not yet judged. */
export interface TarBlock {
  readonly path: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtime: number
  readonly typeflag: string
  readonly linkPath: string
  readonly uname: string
  readonly gname: string
  readonly deviceMajor: number
  readonly deviceMinor: number
}

/** Why a header, or a value in one, cannot be read; the reader adds where. */
export class TarFault {
  readonly reason: string
  /** Whether the archive may be right and only costs too much. */
  readonly limit: boolean

  constructor(reason: string, limit = false) {
    this.reason = reason
    this.limit = limit
  }
}

type Field = readonly [start: number, length: number]

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Decodes a ustar or GNU header. Numbers are octal text or GNU's base-256, never negative. Throws a `TarFault` for
 * another magic, a wrong checksum, a number out of range, or a name that is no UTF-8 or has control characters.
 */
export function parseTarBlock(block: Buffer): TarBlock {
  if (numberIn(block, USTAR.checksum, 'checksum') !== tarChecksum(block)) throw new TarFault('its checksum is wrong')
  const magic = block.toString('latin1', 257, 265)
  if (magic !== 'ustar\u000000' && magic !== 'ustar  \u0000') throw new TarFault('it is no ustar or GNU header')
  const name = textIn(block, USTAR.name, 'path')
  // In GNU's own format, other things stand where ustar has the prefix.
  const prefix = magic.endsWith('00') ? textIn(block, USTAR.prefix, 'path') : ''
  return {
    path: prefix === '' ? name : `${prefix}/${name}`,
    mode: numberIn(block, USTAR.mode, 'mode') & 0o7777,
    uid: numberIn(block, USTAR.uid, 'uid'),
    gid: numberIn(block, USTAR.gid, 'gid'),
    size: numberIn(block, USTAR.size, 'size'),
    mtime: numberIn(block, USTAR.mtime, 'mtime'),
    typeflag: String.fromCharCode(block[156] ?? 0),
    linkPath: textIn(block, USTAR.linkname, 'link target'),
    uname: textIn(block, USTAR.uname, 'uname'),
    gname: textIn(block, USTAR.gname, 'gname'),
    deviceMajor: numberIn(block, USTAR.devmajor, 'device major'),
    deviceMinor: numberIn(block, USTAR.devminor, 'device minor'),
  }
}

/** Decodes a name: UTF-8 without control characters. Throws a `TarFault`. */
export function decodeName(bytes: Uint8Array, field: string): string {
  let name: string
  try {
    name = strict.decode(bytes)
  } catch {
    throw new TarFault(`its ${field} is no UTF-8`)
  }
  if (hasControlCharacters(name)) throw new TarFault(`its ${field} has control characters`)
  return name
}

/** Whether a block is all zero bytes. */
export function isZero(bytes: Buffer): boolean {
  return bytes[0] === 0 && bytes.equals(ZEROS.subarray(0, bytes.length))
}

const ZEROS = Buffer.alloc(TAR_BLOCK)

function textIn(block: Buffer, [start, length]: Field, field: string): string {
  if (block[start] === 0) return ''
  const nul = block.indexOf(0, start)
  const end = nul < 0 || nul > start + length ? start + length : nul
  return decodeName(block.subarray(start, end), field)
}

function numberIn(block: Buffer, [start, length]: Field, field: string): number {
  const first = block[start] ?? 0
  if (first >= 0x80) return base256(block.subarray(start, start + length), field)
  const end = start + length
  let at = start
  while (at < end && block[at] === 0x20) at++
  let value = 0
  for (; at < end; at++) {
    const digit = (block[at] ?? 0) - 0x30
    if (digit < 0 || digit > 7) break
    value = value * 8 + digit
  }
  for (; at < end; at++) {
    if (block[at] !== 0 && block[at] !== 0x20) throw new TarFault(`its ${field} is no octal number`)
  }
  return value
}

/** GNU's base-256: the top bit set, then a big-endian two's complement number. */
function base256(bytes: Buffer, field: string): number {
  if (bytes[0] !== 0x80) throw new TarFault(`its ${field} is negative or over 2^53`)
  let value = 0
  for (const byte of bytes.subarray(1)) value = value * 256 + byte
  if (value > Number.MAX_SAFE_INTEGER) throw new TarFault(`its ${field} is negative or over 2^53`)
  return value
}
