import { type PaxRecords, parsePaxRecords } from './pax-records.ts'
import { decodeName, type TarBlock, TarFault } from './tar-block.ts'
import { FLAG_TYPES, type TarHeader, type TarLimits } from './tar-header.ts'

const XATTR = 'SCHILY.xattr.'
const NO_XATTRS: ReadonlyMap<string, Uint8Array> = new Map()
const NO_RECORDS: PaxRecords = new Map()
/** Keywords that say something of one entry and have no meaning in a global header. */
const OF_ONE_ENTRY = /^(path|linkpath|size|SCHILY\.xattr\..*)$/

/** The extension headers of an archive: GNU's long names (`L`, `K`) and pax (`x`, `g`), until an entry takes them. */
export class TarExtensions {
  readonly #limits: TarLimits
  readonly #own = new Map<string, Buffer>()
  #global = NO_RECORDS
  #globalBytes = 0
  #reading = ''

  constructor(limits: TarLimits) {
    this.#limits = limits
  }

  /** Whether an extension header still waits for its entry. */
  get pending(): boolean {
    return this.#own.size > 0
  }

  /** Whether a header begins an extension, whose content is then to be added. Throws a `TarFault` for one too many. */
  begins({ typeflag, size }: TarBlock): boolean {
    if (typeflag !== 'L' && typeflag !== 'K' && typeflag !== 'x' && typeflag !== 'g') return false
    if (this.#own.has(typeflag)) throw new TarFault(`it has two extended headers "${typeflag}" for one entry`)
    if (typeflag === 'g') this.#globalBytes += size + 1
    const limit = typeflag === 'L' || typeflag === 'K' ? this.#limits.pathBytes + 1 : this.#limits.paxBytes
    const bytes = typeflag === 'g' ? this.#globalBytes : size
    if (bytes > limit) throw new TarFault(`its extended headers "${typeflag}" are over ${limit} bytes`, true)
    this.#reading = typeflag
    return true
  }

  /** Takes the content of the extension that began last. Throws a `TarFault`. */
  add(body: Buffer): void {
    if (this.#reading !== 'g') this.#own.set(this.#reading, body)
    else this.#global = new Map([...this.#global, ...globalRecords(body)])
  }

  /** Applies all that is known to the header of an entry, which takes its own extensions with it. */
  apply(block: TarBlock): TarHeader {
    const type = FLAG_TYPES.get(block.typeflag)
    if (type === undefined) throw new TarFault(`its type ${JSON.stringify(block.typeflag)} is refused`)
    const pax = this.#records()
    const path = name(pax, 'path') ?? this.#longName('L') ?? block.path
    const target = name(pax, 'linkpath') ?? this.#longName('K') ?? block.linkPath
    this.#own.clear()
    const header: TarHeader = {
      path,
      type,
      mode: block.mode,
      uid: number(pax, 'uid') ?? block.uid,
      gid: number(pax, 'gid') ?? block.gid,
      uname: name(pax, 'uname') ?? block.uname,
      gname: name(pax, 'gname') ?? block.gname,
      size: number(pax, 'size') ?? block.size,
      mtime: time(pax) ?? block.mtime,
      linkPath: type === 'hardlink' || type === 'symlink' ? target : '',
      deviceMajor: block.deviceMajor,
      deviceMinor: block.deviceMinor,
      xattrs: xattrs(pax),
    }
    checkHeader(header, this.#limits)
    return header
  }

  #records(): PaxRecords {
    const body = this.#own.get('x')
    if (body === undefined) return this.#global
    const records = recordsOf(body)
    return this.#global.size === 0 ? records : new Map([...this.#global, ...records])
  }

  #longName(flag: 'L' | 'K'): string | undefined {
    const body = this.#own.get(flag)
    if (body === undefined) return undefined
    return decodeName(body.at(-1) === 0 ? body.subarray(0, -1) : body, 'long name')
  }
}

function recordsOf(body: Buffer): PaxRecords {
  const records = parsePaxRecords(body)
  if (typeof records === 'string') throw new TarFault(records)
  for (const keyword of records.keys()) {
    if (keyword.startsWith('GNU.sparse.') || keyword === 'SCHILY.realsize') throw new TarFault('it is a sparse file')
    if (keyword === 'hdrcharset') throw new TarFault('its pax header changes the character set')
  }
  return records
}

function globalRecords(body: Buffer): PaxRecords {
  const records = recordsOf(body)
  for (const keyword of records.keys()) {
    if (OF_ONE_ENTRY.test(keyword)) throw new TarFault(`a global pax header sets "${keyword}"`)
  }
  return records
}

function checkHeader({ path, type, size, linkPath }: TarHeader, limits: TarLimits): void {
  if (path === '') throw new TarFault('it has no path')
  if (tooLong(path, limits) || tooLong(linkPath, limits)) {
    throw new TarFault(`its path or link target is over ${limits.pathBytes} bytes`, true)
  }
  if (type === 'file' && path.endsWith('/')) throw new TarFault(`the file "${path}" has the name of a directory`)
  if ((type === 'hardlink' || type === 'symlink') && linkPath === '')
    throw new TarFault(`the link "${path}" has no target`)
  if (type !== 'file' && size > 0) throw new TarFault(`"${path}" is a ${type} and has content`)
  if (size > limits.entryBytes) throw new TarFault(`"${path}" is over ${limits.entryBytes} bytes`, true)
}

function tooLong(path: string, limits: TarLimits): boolean {
  return path.length * 3 > limits.pathBytes && Buffer.byteLength(path) > limits.pathBytes
}

/** A record's value; an empty one takes the keyword back (POSIX pax), as if it had never been there. */
function recordOf(pax: PaxRecords, keyword: string): Uint8Array | undefined {
  const value = pax.get(keyword)
  return value === undefined || value.length === 0 ? undefined : value
}

function name(pax: PaxRecords, keyword: string): string | undefined {
  const value = recordOf(pax, keyword)
  return value === undefined ? undefined : decodeName(value, keyword)
}

function number(pax: PaxRecords, keyword: string): number | undefined {
  const text = name(pax, keyword)
  if (text === undefined) return undefined
  if (!/^[0-9]{1,16}$/.test(text) || !Number.isSafeInteger(Number(text))) {
    throw new TarFault(`its ${keyword} "${text.slice(0, 40)}" is no whole number below 2^53`)
  }
  return Number(text)
}

function time(pax: PaxRecords): number | undefined {
  const text = name(pax, 'mtime')
  if (text === undefined) return undefined
  const seconds = /^([0-9]{1,12})(?:\.[0-9]*)?$/.exec(text)?.[1]
  if (seconds === undefined) throw new TarFault(`its mtime "${text.slice(0, 40)}" is no time from 1970 on`)
  return Number(seconds)
}

function xattrs(pax: PaxRecords): ReadonlyMap<string, Uint8Array> {
  if (pax.size === 0) return NO_XATTRS
  const found = [...pax].filter(([keyword, value]) => keyword.startsWith(XATTR) && value.length > 0)
  return new Map(found.map(([keyword, value]) => [keyword.slice(XATTR.length), value]))
}
