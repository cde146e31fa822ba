import { PATH_BYTES } from './path.ts'

/** What an entry is (POSIX pax, "ustar Header Block", typeflag). Sparse and contiguous files have no name here. */
export type TarType = 'file' | 'hardlink' | 'symlink' | 'character-device' | 'block-device' | 'directory' | 'fifo'

/** One entry's metadata, with every extension header that precedes it already applied. */
export interface TarHeader {
  /** As the archive writes it, e.g. `./usr/bin/` for a directory; see `normalizeArchivePath`. */
  readonly path: string
  readonly type: TarType
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Account names; empty where the archive has none. */
  readonly uname: string
  readonly gname: string
  /** Bytes of content that follow; 0 for everything but files. */
  readonly size: number
  /** Seconds since the epoch, rounded down. */
  readonly mtime: number
  /** The target of a hard or symbolic link, as written; empty otherwise. */
  readonly linkPath: string
  readonly deviceMajor: number
  readonly deviceMinor: number
  /** Extended attributes by name (`SCHILY.xattr.NAME` records). */
  readonly xattrs: ReadonlyMap<string, Uint8Array>
}

/** A header to write; what is left out is empty or 0. */
export type TarHeaderInput = Pick<TarHeader, 'path' | 'type' | 'mode' | 'uid' | 'gid' | 'mtime'> & Partial<TarHeader>

/** Bytes of a tar record: headers take one, content is padded to a multiple of it. */
export const TAR_BLOCK = 512

/** The typeflag that a header of each entry type is written with. */
export const TYPE_FLAGS: Readonly<Record<TarType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
}

/** The entry type that a typeflag means; NUL is how old archives mark a file. */
export const FLAG_TYPES: ReadonlyMap<string, TarType> = new Map([
  ['\u0000', 'file'],
  ['0', 'file'],
  ['1', 'hardlink'],
  ['2', 'symlink'],
  ['3', 'character-device'],
  ['4', 'block-device'],
  ['5', 'directory'],
  ['6', 'fifo'],
])

/** What an archive may cost at most. Beyond it, reading stops with `TAR_LIMIT`. */
export interface TarLimits {
  readonly entries: number
  /** Bytes of one file. */
  readonly entryBytes: number
  /** Bytes of the whole archive, headers and padding included. */
  readonly totalBytes: number
  /** Bytes of a path or link target. */
  readonly pathBytes: number
  /** Bytes of one pax extended header, and of all global ones together. */
  readonly paxBytes: number
}

/** Limits that every package of Debian keeps. */
export const TAR_LIMITS: TarLimits = {
  entries: 1_000_000,
  entryBytes: 8 * 2 ** 30,
  totalBytes: 16 * 2 ** 30,
  pathBytes: PATH_BYTES,
  paxBytes: 2 ** 20,
}

/** Where the fields of a ustar header begin and how many bytes each has. */
export const USTAR = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  typeflag: [156, 1],
  linkname: [157, 100],
  magic: [257, 8],
  uname: [265, 32],
  gname: [297, 32],
  devmajor: [329, 8],
  devminor: [337, 8],
  prefix: [345, 155],
} as const satisfies Record<string, readonly [number, number]>

/** The sum of a header's bytes with its checksum field taken as spaces. */
export function tarChecksum(block: Uint8Array): number {
  const [start, length] = USTAR.checksum
  let sum = length * 32
  for (let index = 0; index < start; index++) sum += block[index] ?? 0
  for (let index = start + length; index < TAR_BLOCK; index++) sum += block[index] ?? 0
  return sum
}
