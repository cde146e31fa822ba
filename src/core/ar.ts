import { CoreError } from './errors.ts'

/** Reads `length` bytes at `offset` of a file; gives fewer only where the file ends. */
export type ReadAt = (offset: number, length: number) => Uint8Array

/** Where a member's content stands in an ar archive. */
export interface ArMember {
  /** Without padding: `control.tar.xz`. */
  readonly name: string
  readonly offset: number
  /** Bytes. */
  readonly size: number
}

const MAGIC = '!<arch>\n'
const HEADER = 60

/**
 * Reads the member list of an ar archive as deb(5) restricts it, in file order: no long-name tables, names of letters,
 * digits and `._-`, whole numbers, and members that fill the file exactly. `origin` names the file in errors.
 * Throws `AR_INVALID`, after at most `maxMembers` headers (16 unless given).
 */
export function readArMembers(read: ReadAt, size: number, origin: string, maxMembers = 16): ArMember[] {
  if (latin1(read(0, MAGIC.length)) !== MAGIC) throw invalid(origin, 0, 'it does not begin with "!<arch>"')
  const members: ArMember[] = []
  for (let at = MAGIC.length; at < size; ) {
    if (members.length === maxMembers) throw invalid(origin, at, `it has more than ${maxMembers} members`)
    const member = parseHeader(latin1(read(at, HEADER)), at, origin)
    const end = member.offset + member.size
    if (end > size) throw invalid(origin, at, `member "${member.name}" ends at byte ${end}, the file at ${size}`)
    if (member.size % 2 === 1 && latin1(read(end, 1)) !== '\n') {
      throw invalid(origin, end, `member "${member.name}" of odd size is not padded with a newline`)
    }
    members.push(member)
    at = end + (member.size % 2)
  }
  return members
}

function parseHeader(header: string, at: number, origin: string): ArMember {
  if (header.length < HEADER) throw invalid(origin, at, 'a member header is cut short')
  if (!header.endsWith('`\n')) throw invalid(origin, at, 'a member header does not end in "`" and newline')
  const name = /^([A-Za-z0-9_.-]+)\/? *$/.exec(header.slice(0, 16))?.[1]
  if (name === undefined) throw invalid(origin, at, `${JSON.stringify(header.slice(0, 16))} is no member name`)
  for (const [field, start, end] of [
    ['date', 16, 28],
    ['owner', 28, 34],
    ['group', 34, 40],
    ['mode', 40, 48],
  ] as const) {
    if (!/^[0-9]* *$/.test(header.slice(start, end))) throw invalid(origin, at, `member "${name}" has an odd ${field}`)
  }
  const size = /^([0-9]+) *$/.exec(header.slice(48, 58))?.[1]
  if (size === undefined) throw invalid(origin, at, `the size of member "${name}" is no whole number`)
  return { name, offset: at + HEADER, size: Number(size) }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

function invalid(origin: string, at: number, reason: string): CoreError {
  return new CoreError('AR_INVALID', `cannot read ar archive ${origin}: byte ${at}: ${reason}`)
}
