import { type ArMember, type ReadAt, readArMembers } from '#core'
import type { Compression } from './compression/decoder.ts'
import { DebianError } from './errors.ts'

/** A .deb that can be read at any offset. */
export interface DebSource {
  readonly read: ReadAt
  /** Bytes. */
  readonly size: number
  /** Names the package in errors. */
  readonly name: string
}

/** Where a tar member stands in a .deb, and how it is compressed. */
export interface DebMember {
  readonly name: string
  readonly offset: number
  /** Bytes, compressed. */
  readonly size: number
  readonly compression: Compression
}

/** The two tar members of a .deb. */
export interface DebMembers {
  readonly control: DebMember
  readonly data: DebMember
}

const SUFFIXES: ReadonlyMap<string, Compression> = new Map([
  ['', 'none'],
  ['.gz', 'gzip'],
  ['.xz', 'xz'],
  ['.zst', 'zstd'],
])
const VERSION_BYTES = 64

/**
 * Finds the members of a .deb in the order that deb(5) demands: `debian-binary` (2.x), `control.tar`, `data.tar`.
 * Members whose names begin with `_` may stand behind the first; nothing else may. Throws `DEB_INVALID` and `AR_INVALID`.
 */
export function readDebMembers({ read, size, name }: DebSource): DebMembers {
  const [version, ...rest] = readArMembers(read, size, name)
  if (version?.name !== 'debian-binary') throw invalid(name, 'its first member is not "debian-binary"')
  const text = Buffer.from(read(version.offset, Math.min(version.size, VERSION_BYTES))).toString('latin1')
  if (!/^2\.[0-9]+\n/.test(text)) throw invalid(name, `its format ${JSON.stringify(text)} is not 2.x`)
  const [control, data, extra] = rest.filter((member) => !member.name.startsWith('_'))
  if (extra !== undefined) throw invalid(name, `member "${extra.name}" follows its data`)
  return { control: tarMember(name, 'control.tar', control), data: tarMember(name, 'data.tar', data) }
}

function tarMember(deb: string, name: string, member: ArMember | undefined): DebMember {
  if (member === undefined) throw invalid(deb, `it has no member "${name}"`)
  if (!member.name.startsWith(name)) throw invalid(deb, `member "${member.name}" stands where "${name}" belongs`)
  const compression = SUFFIXES.get(member.name.slice(name.length))
  if (compression === undefined) throw invalid(deb, `member "${member.name}" is compressed in an unknown way`)
  return { ...member, compression }
}

function invalid(deb: string, reason: string): DebianError {
  return new DebianError('DEB_INVALID', `cannot read package ${deb}: ${reason}`)
}
