import { crc32 } from 'node:zlib'
import { AdvisoryError } from './errors.ts'
import { isRecord } from './fields.ts'
import type { NewPart, PartState } from './part.ts'
import { linesOfPart } from './part-lines.ts'
import { ADVISORY_KINDS, type AdvisoryKind } from './records.ts'
import { encodeSection, type SectionPlace, type StoreFile } from './section.ts'

/** A part as the directory of a store names it. */
export interface StoredPart {
  readonly state: PartState
  readonly place: SectionPlace
}

/**
 * The form of a store: a header, a section per part, a directory (JSON). Numbers of the header are little-endian:
 * magic, version, size of the directory, its CRC-32, and as a double its offset. A section that does not change is
 * copied as it stands. Every byte is covered by a sum: of the directory, of a section's index, of a block.
 */
const LAYOUT = { headerSize: 32, magic: 0x56444143, version: 1 } as const

/** Bytes that are copied at once from an older store. */
const COPY = 8 << 20

/**
 * Writes a store with new parts, and of each other kind the part of the first store that has one, unchanged. Gives the
 * bytes in pieces, in order.
 */
export function encodeStore(
  newParts: readonly NewPart[],
  stores: readonly { readonly file: StoreFile; readonly parts: readonly StoredPart[] }[] = [],
): Uint8Array[] {
  const taken = new Set(newParts.map(({ state }) => state.kind))
  const pieces: Uint8Array[] = []
  const directory: StoredPart[] = []
  let offset: number = LAYOUT.headerSize
  for (const { file, parts } of stores) {
    const copied = parts.filter(({ state }) => !taken.has(state.kind))
    for (const { state, place } of copied) {
      const length = place.size + place.indexSize
      for (let at = 0; at < length; at += COPY) {
        pieces.push(file.read(place.offset + at, Math.min(COPY, length - at)))
      }
      taken.add(state.kind)
      directory.push({ state, place: { ...place, offset } })
      offset += length
    }
  }
  for (const part of newParts) {
    const { parts, place } = encodeSection(linesOfPart(part), offset)
    pieces.push(...parts)
    directory.push({ state: part.state, place })
    offset += place.size + place.indexSize
  }
  directory.sort((left, right) => orderOf(left.state.kind) - orderOf(right.state.kind))
  const bytes = Buffer.from(JSON.stringify(directory))
  const header = new DataView(new ArrayBuffer(LAYOUT.headerSize))
  header.setUint32(0, LAYOUT.magic, true)
  header.setUint32(4, LAYOUT.version, true)
  header.setUint32(8, bytes.length, true)
  header.setUint32(12, crc32(bytes), true)
  header.setFloat64(16, offset, true)
  return [new Uint8Array(header.buffer), ...pieces, bytes]
}

function orderOf(kind: AdvisoryKind): number {
  return ADVISORY_KINDS.indexOf(kind)
}

/** Reads the directory of a store. Throws `ADVISORY_STORE_INVALID` when it is damaged, cut short or of another format. */
export function readDirectory(file: StoreFile): readonly StoredPart[] {
  const bytes = file.read(0, LAYOUT.headerSize)
  if (bytes.length < LAYOUT.headerSize) throw invalid(file, 'it is cut short')
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (header.getUint32(0, true) !== LAYOUT.magic) throw invalid(file, 'it is no store of advisories')
  const version = header.getUint32(4, true)
  if (version !== LAYOUT.version) throw invalid(file, `it has format ${version}, want format ${LAYOUT.version}`)
  const size = header.getUint32(8, true)
  const offset = header.getFloat64(16, true)
  if (offset + size !== file.size) throw invalid(file, `it has ${file.size} bytes, want ${offset + size}`)
  const text = file.read(offset, size)
  if (text.length !== size || crc32(text) !== header.getUint32(12, true))
    throw invalid(file, 'its directory is damaged')
  const parsed: unknown = JSON.parse(Buffer.from(text).toString('utf8'))
  // The sum vouches for the form: nobody else writes it.
  return Array.isArray(parsed) ? parsed.filter(isStoredPart) : []
}

function isStoredPart(value: unknown): value is StoredPart {
  return isRecord(value) && isRecord(value['state']) && isRecord(value['place'])
}

function invalid(file: StoreFile, reason: string): AdvisoryError {
  const advice = 'remove the file and import again'
  return new AdvisoryError('ADVISORY_STORE_INVALID', `cannot open advisories ${file.path}: ${reason}; ${advice}`)
}
