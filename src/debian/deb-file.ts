import { type ContentSink, TAR_LIMITS, type TarHeader, type TarLimits, TarReader } from '#core'
import { parseBinaryPackage } from './binary-package.ts'
import { DECODE_LIMITS, type DecodeLimits, type DecoderFactory } from './compression/decoder.ts'
import { DebEntries, type DebEntry } from './deb-entries.ts'
import { type DebMember, type DebSource, readDebMembers } from './deb-members.ts'
import { DebianError } from './errors.ts'
import type { BinaryPackage } from './package.ts'
import { parseStanzas, type Stanza } from './stanza.ts'

/** What a .deb says of itself, and where its files are. */
export interface DebControl {
  readonly package: BinaryPackage
  /** The control paragraph with all its fields. */
  readonly stanza: Stanza
  /** Every control file by name, `control` included: `postinst`, `conffiles`, `md5sums`, `triggers` … */
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly data: DebMember
}

/** Limits on one member of a .deb. */
export interface DebLimits {
  readonly decode: DecodeLimits
  readonly tar: TarLimits
}

/** How a package's files are to be read. */
export interface DebDataOptions {
  readonly decoders: DecoderFactory
  /**
   * Called for each entry in the order of the archive; what it gives takes a file's content, nothing skips it. `offset` is
   * where the content starts in the decoded data.tar.
   */
  readonly onEntry: (entry: DebEntry, offset: number) => ContentSink | undefined
  /** `DEB_DATA_LIMITS` unless given. */
  readonly limits?: DebLimits
}

/** Limits on data.tar that every package of Debian keeps. */
export const DEB_DATA_LIMITS: DebLimits = { decode: DECODE_LIMITS, tar: TAR_LIMITS }

const CONTROL_BYTES = 64 * 2 ** 20
const CONTROL_LIMITS: DebLimits = {
  decode: { maxOutput: CONTROL_BYTES, maxRatio: DECODE_LIMITS.maxRatio },
  tar: { ...TAR_LIMITS, entries: 256, entryBytes: CONTROL_BYTES, totalBytes: CONTROL_BYTES },
}
const READ = 256 * 1024

/**
 * Reads the control member of a .deb (deb(5), deb-control(5)). Throws `DEB_INVALID`, what the parsers of the ar and tar
 * archives, the decoder and the control paragraph throw, and nothing is taken from data.tar.
 */
export function readDebControl(source: DebSource, decoders: DecoderFactory): DebControl {
  const members = readDebMembers(source)
  const files = new Map<string, Uint8Array>()
  const reader = new TarReader({
    origin: `${source.name} (${members.control.name})`,
    limits: CONTROL_LIMITS.tar,
    onEntry: (header) => controlSink(source.name, header, files),
  })
  decodeMember(source, members.control, { decoders, limits: CONTROL_LIMITS.decode, reader })
  const stanza = controlStanza(source.name, files.get('control'))
  return { package: parseBinaryPackage(stanza), stanza, files, data: members.data }
}

/**
 * Reads the files of a .deb in one pass, in the order of the archive, without keeping content. Throws `DEB_REFUSED` for
 * what no package may ship (`DebEntries`), and what the tar parser and the decoder throw; only when it returns was
 * everything that it gave right.
 */
export function readDebData(source: DebSource, data: DebMember, options: DebDataOptions): void {
  const limits = options.limits ?? DEB_DATA_LIMITS
  const reader = debDataReader(source.name, limits.tar, options.onEntry)
  decodeMember(source, data, { decoders: options.decoders, limits: limits.decode, reader })
}

/** Gives the reader of a decoded data.tar, for callers that decode by other means; `readDebData` says what throws. */
export function debDataReader(name: string, limits: TarLimits, onEntry: DebDataOptions['onEntry']): TarReader {
  const entries = new DebEntries(name)
  return new TarReader({
    origin: `${name} (data.tar)`,
    limits,
    onEntry: (header, offset) => onEntry(entries.take(header), offset),
  })
}

interface MemberReading {
  readonly decoders: DecoderFactory
  readonly limits: DecodeLimits
  readonly reader: TarReader
}

function decodeMember({ read, name }: DebSource, member: DebMember, { decoders, limits, reader }: MemberReading): void {
  const onOutput = (chunk: Uint8Array) => reader.push(chunk)
  const decoder = decoders(member.compression, { origin: `${name} (${member.name})`, limits, onOutput })
  const end = member.offset + member.size
  for (let at = member.offset; at < end; at += READ) decoder.push(read(at, Math.min(READ, end - at)))
  decoder.end()
  reader.end()
}

function controlSink(deb: string, header: TarHeader, files: Map<string, Uint8Array>): ContentSink | undefined {
  if (header.type === 'directory' && /^\.\/?$/.test(header.path)) return undefined
  const name = /^(?:\.\/)?([a-z0-9][A-Za-z0-9._+-]*)$/.exec(header.path)?.[1]
  if (header.type !== 'file' || name === undefined) {
    throw invalid(deb, `"${header.path}", a ${header.type}, does not belong into control.tar`)
  }
  if (files.has(name)) throw invalid(deb, `control file "${name}" comes twice`)
  files.set(name, new Uint8Array(0))
  const chunks: Uint8Array[] = []
  return {
    write: (chunk) => void chunks.push(Uint8Array.from(chunk)),
    end: () => void files.set(name, Buffer.concat(chunks)),
  }
}

function controlStanza(deb: string, control: Uint8Array | undefined): Stanza {
  if (control === undefined) throw invalid(deb, 'it has no file "control"')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(control)
  } catch (cause) {
    throw new DebianError('DEB_INVALID', `cannot read package ${deb}: its control file is no UTF-8`, { cause })
  }
  const [stanza, second] = parseStanzas(text, `control file of ${deb}`)
  if (stanza === undefined || second !== undefined) throw invalid(deb, 'its control file is not one paragraph')
  return stanza
}

function invalid(deb: string, reason: string): DebianError {
  return new DebianError('DEB_INVALID', `cannot read package ${deb}: ${reason}`)
}
