import { versionsOf } from './elf-versions.ts'

/** What a made-up ELF file of 64 bits says. */
export interface SampleElf {
  readonly machine?: number
  readonly interpreter?: string
  readonly needed?: readonly string[]
  readonly soname?: string
  readonly rpath?: string
  readonly runpath?: string
  /** Versions of symbols that it wants, by library, and that it defines. */
  readonly versionsNeeded?: Readonly<Record<string, readonly string[]>>
  readonly versionsDefined?: readonly string[]
  /** Texts among its constants. */
  readonly texts?: readonly string[]
}

const HEADER = 64
const SEGMENT = 56

/** Makes an ELF file of one loaded segment with the sections that a loader reads; readelf(1) reads it as well. */
export function sampleElf(sample: SampleElf = {}): Buffer {
  const { machine = 62, interpreter, needed = [], soname, rpath, runpath, texts = [] } = sample
  const names: [tag: number, text: string][] = [
    ...needed.map((name): [number, string] => [1, name]),
    ...(soname === undefined ? [] : [[14, soname] as [number, string]]),
    ...(rpath === undefined ? [] : [[15, rpath] as [number, string]]),
    ...(runpath === undefined ? [] : [[29, runpath] as [number, string]]),
  ]
  const { words: versionNames, tablesAt } = versionsOf(
    sample,
    1 + names.reduce((sum, [, text]) => sum + text.length + 1, 0),
  )
  const table = Buffer.from(
    `\0${[...names.map(([, text]) => text), ...versionNames].map((text) => `${text}\0`).join('')}`,
  )
  const segments = interpreter === undefined ? 2 : 3
  const tableAt = HEADER + segments * SEGMENT
  const interpreterAt = tableAt + table.length
  const program = Buffer.from(interpreter === undefined ? '' : `${interpreter}\0`)
  let at = 1
  const versionsAt = Math.ceil((interpreterAt + program.length) / 8) * 8
  const versions = tablesAt(versionsAt)
  const dynamic = [
    ...names.map(([tag, text]) => {
      const entry: [number, number] = [tag, at]
      at += text.length + 1
      return entry
    }),
    ...([[5, tableAt], [10, table.length], ...versions.entries, [0, 0]] as [number, number][]),
  ]
  const dynamicAt = Math.ceil((versionsAt + versions.bytes.length) / 8) * 8
  const dynamicBytes = Buffer.concat(dynamic.map(([tag, value]) => words(tag, value)))
  const constants = Buffer.from(`\0${texts.map((text) => `${text}\0`).join('')}`)
  const size = dynamicAt + dynamicBytes.length + constants.length
  const bytes = Buffer.alloc(size)
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  bytes.writeUInt16LE(3, 16)
  bytes.writeUInt16LE(machine, 18)
  bytes.writeUInt32LE(1, 20)
  bytes.writeBigUInt64LE(BigInt(HEADER), 32)
  bytes.writeUInt16LE(HEADER, 52)
  bytes.writeUInt16LE(SEGMENT, 54)
  bytes.writeUInt16LE(segments, 56)
  bytes.writeUInt16LE(64, 58)
  const places: [type: number, offset: number, length: number][] = [
    ...(interpreter === undefined ? [] : [[3, interpreterAt, program.length] as [number, number, number]]),
    [1, 0, size],
    [2, dynamicAt, dynamicBytes.length],
  ]
  for (const [index, [type, offset, length]] of places.entries()) {
    const from = HEADER + index * SEGMENT
    bytes.writeUInt32LE(type, from)
    bytes.writeUInt32LE(4, from + 4)
    bytes.set(Buffer.concat([words(offset, offset), words(offset, length), words(length, 8)]), from + 8)
  }
  bytes.set(table, tableAt)
  bytes.set(program, interpreterAt)
  bytes.set(versions.bytes, versionsAt)
  bytes.set(dynamicBytes, dynamicAt)
  bytes.set(constants, dynamicAt + dynamicBytes.length)
  return bytes
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length)
  for (const [index, value] of values.entries()) bytes.writeBigUInt64LE(BigInt(value), 8 * index)
  return bytes
}
