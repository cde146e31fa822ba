import { CoreError } from './errors.ts'
import { TAR_BLOCK, type TarHeaderInput, TYPE_FLAGS, tarChecksum, USTAR } from './tar-header.ts'

/** The two zero records that end an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * TAR_BLOCK)

const MAX_OCTAL_7 = 0o7777777
const MAX_OCTAL_11 = 0o77777777777
const NEWLINE = Uint8Array.of(0x0a)
const text = new TextEncoder()

/**
 * Encodes an entry's header: one ustar record, behind a pax extended header only where ustar cannot hold a path, a
 * link's target, an owner, a size or extended attributes. A directory's path ends in `/`. The same header gives the
 * same bytes for ever: image layers depend on it. Content and `tarPadding` zero bytes follow.
 * Throws `TAR_INVALID` for a time, mode or number that no header can hold.
 */
export function encodeTarEntry(entry: TarHeaderInput): Uint8Array {
  for (const value of [entry.path, entry.linkPath, entry.uname, entry.gname]) checkText(entry, value)
  const directory = entry.type === 'directory' && !entry.path.endsWith('/')
  const header = directory ? { ...entry, path: `${entry.path}/` } : entry
  const split = splitPath(header.path)
  const pax = paxRecords(header, split === undefined)
  const name = split ?? { prefix: '', name: replacement(header.path) }
  const block = ustarBlock(header, name, TYPE_FLAGS[header.type])
  if (pax.length === 0) return block
  const body = concat(pax)
  const extension = {
    path: '././@PaxHeader',
    type: 'file',
    mode: 0,
    uid: 0,
    gid: 0,
    mtime: 0,
    size: body.length,
  } as const
  const padding = new Uint8Array(tarPadding(body.length))
  return concat([ustarBlock(extension, { prefix: '', name: extension.path }, 'x'), body, padding, block])
}

/** How many zero bytes follow `size` bytes of content. */
export function tarPadding(size: number): number {
  return (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK
}

/** The ustar name and prefix of a path, or `undefined` when they cannot hold it (100 and 155 bytes, ASCII only). */
function splitPath(path: string): { prefix: string; name: string } | undefined {
  const [, nameLimit] = USTAR.name
  const [, prefixLimit] = USTAR.prefix
  if (!isAscii(path)) return undefined
  if (path.length <= nameLimit) return { prefix: '', name: path }
  const slash = path.indexOf('/', path.length - nameLimit - 1)
  if (slash <= 0 || slash > prefixLimit || slash === path.length - 1) return undefined
  return { prefix: path.slice(0, slash), name: path.slice(slash + 1) }
}

/** Extended records in code-unit order of their keywords. */
function paxRecords(entry: TarHeaderInput, path: boolean): Uint8Array[] {
  const records: [string, Uint8Array][] = []
  for (const [name, value] of entry.xattrs ?? []) records.push([`SCHILY.xattr.${name}`, value])
  const add = (keyword: string, value: string | number) => records.push([keyword, text.encode(String(value))])
  if (entry.gid > MAX_OCTAL_7) add('gid', entry.gid)
  if (!fitsField(entry.gname ?? '', USTAR.gname[1] - 1)) add('gname', entry.gname ?? '')
  if (!fitsField(entry.linkPath ?? '', USTAR.linkname[1])) add('linkpath', entry.linkPath ?? '')
  if (path) add('path', entry.path)
  if ((entry.size ?? 0) > MAX_OCTAL_11) add('size', entry.size ?? 0)
  if (entry.uid > MAX_OCTAL_7) add('uid', entry.uid)
  if (!fitsField(entry.uname ?? '', USTAR.uname[1] - 1)) add('uname', entry.uname ?? '')
  records.sort(([left], [right]) => (left < right ? -1 : 1))
  return records.map(([keyword, value]) => paxRecord(keyword, value))
}

/** `LENGTH KEYWORD=VALUE\n`, where LENGTH counts its own digits. */
function paxRecord(keyword: string, value: Uint8Array): Uint8Array {
  const key = text.encode(` ${keyword}=`)
  const rest = key.length + value.length + 1
  const digits = String(rest + String(rest).length).length
  return concat([text.encode(String(rest + digits)), key, value, NEWLINE])
}

function ustarBlock(entry: TarHeaderInput, path: { prefix: string; name: string }, flag: string): Uint8Array {
  const block = new Uint8Array(TAR_BLOCK)
  const put = ([start]: readonly [number, number], value: string) => text.encodeInto(value, block.subarray(start))
  const octal = ([start, length]: readonly [number, number], value: number, name: string) => {
    const digits = value.toString(8).padStart(length - 1, '0')
    if (!Number.isSafeInteger(value) || value < 0 || digits.length >= length) {
      throw new CoreError('TAR_INVALID', `cannot write tar entry "${entry.path}": ${name} ${value} does not fit`)
    }
    put([start, length], digits)
  }
  put(USTAR.name, path.name)
  octal(USTAR.mode, entry.mode, 'mode')
  octal(USTAR.uid, overflowed(entry.uid, MAX_OCTAL_7), 'uid')
  octal(USTAR.gid, overflowed(entry.gid, MAX_OCTAL_7), 'gid')
  octal(USTAR.size, overflowed(entry.size ?? 0, MAX_OCTAL_11), 'size')
  octal(USTAR.mtime, entry.mtime, 'mtime')
  put(USTAR.typeflag, flag)
  put(USTAR.linkname, fieldOf(entry.linkPath, USTAR.linkname[1]))
  put(USTAR.magic, 'ustar\u000000')
  put(USTAR.uname, fieldOf(entry.uname, USTAR.uname[1] - 1))
  put(USTAR.gname, fieldOf(entry.gname, USTAR.gname[1] - 1))
  octal(USTAR.devmajor, entry.deviceMajor ?? 0, 'device major')
  octal(USTAR.devminor, entry.deviceMinor ?? 0, 'device minor')
  put(USTAR.prefix, path.prefix)
  put(USTAR.checksum, `${tarChecksum(block).toString(8).padStart(6, '0')}\u0000 `)
  return block
}

function checkText(entry: TarHeaderInput, value = ''): void {
  if (entry.path !== '' && value.isWellFormed() && !value.includes('\u0000')) return
  throw new CoreError('TAR_INVALID', `cannot write tar entry "${entry.path}": "${value}" is no name that tar can hold`)
}

/** What stands in the ustar field when the value itself stands in a pax record. */
function overflowed(value: number, limit: number): number {
  return value > limit && Number.isSafeInteger(value) ? 0 : value
}

function fieldOf(value = '', length: number): string {
  return fitsField(value, length) ? value : replacement(value).slice(0, length)
}

function fitsField(value: string, length: number): boolean {
  return value.length <= length && isAscii(value)
}

function isAscii(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is ASCII without NUL
  return /^[\x01-\x7f]*$/.test(value)
}

function replacement(path: string): string {
  return path.replace(/[^ -~]/g, '_').slice(0, USTAR.name[1])
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}
