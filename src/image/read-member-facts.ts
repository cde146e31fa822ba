import { isInventoryFile } from '#debian'
import { ApplicationReader } from '#sbom/applications'
import type { MemberEntry } from './member.ts'
import type { MemberFacts } from './member-facts.ts'

/** Passes on the bytes of a file in pieces, each valid only during the call. */
export type ReadContent = (entry: MemberEntry, onPiece: (piece: Uint8Array) => void) => void

/** Reads what an inventory wants of a member's files; the others are not read. */
export function readMemberFacts(reader: string, entries: readonly MemberEntry[], read: ReadContent): MemberFacts {
  const contents: Record<string, string> = {}
  const applications = new ApplicationReader()
  for (const entry of entries) {
    if (entry.type !== 'file') continue
    if (isInventoryFile(entry)) contents[entry.path] = contentOf(entry, read)
    const sink = applications.sink(entry)
    if (sink === undefined) continue
    read(entry, (piece) => sink.write(piece))
    sink.end()
  }
  return { reader, contents, applications: applications.readings }
}

function contentOf(entry: MemberEntry, read: ReadContent): string {
  const pieces: Buffer[] = []
  read(entry, (piece) => pieces.push(Buffer.from(piece)))
  return Buffer.concat(pieces).toString('base64')
}
