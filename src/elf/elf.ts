import { ElfError } from './errors.ts'
import { type NeededVersions, readDefinedVersions, readNeededVersions, type VersionTables } from './symbol-versions.ts'

/** What an ELF file says about what is loaded with it (System V ABI, chapter 5; ld.so(8)). */
export interface ElfFile {
  readonly bits: 32 | 64
  /** `e_machine`: a loader takes libraries of its own machine only. */
  readonly machine: number
  /** The program that loads it (PT_INTERP); absent in libraries and static programs. */
  readonly interpreter?: string
  /** DT_NEEDED, and DT_FILTER and DT_AUXILIARY, which load as well; in the order of the file. */
  readonly needed: readonly string[]
  readonly soname?: string
  /** DT_RPATH and DT_RUNPATH, split at colons, tokens as they stand. */
  readonly rpath: readonly string[]
  readonly runpath: readonly string[]
  /** By library, versions of symbols that it must have; those that may be missing left out. */
  readonly versionsNeeded: readonly NeededVersions[]
  /** Versions of symbols that it has for others. */
  readonly versionsDefined: readonly string[]
}

const MAGIC = 0x464c457f
const MAX_SEGMENTS = 512
const MAX_DYNAMIC = 16_384
const MAX_TEXT = 4096

const PT = { load: 1, dynamic: 2, interpreter: 3 } as const
const DT = { null: 0, needed: 1, strtab: 5, strsz: 10, soname: 14, rpath: 15, runpath: 29 } as const
const DT_VERDEF = 0x6ffffffc
const DT_VERDEFNUM = 0x6ffffffd
const DT_VERNEED = 0x6ffffffe
const DT_VERNEEDNUM = 0x6fffffff
const DT_AUXILIARY = 0x7ffffffd
const DT_FILTER = 0x7fffffff

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly fileSize: number
}

/** Tells by its first four bytes whether a file is meant to be ELF. */
export function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && viewOf(bytes).getUint32(0, true) === MAGIC
}

/**
 * Reads the headers and the dynamic section of a little-endian ELF file of 32 or 64 bits. Section headers are not asked: a loader
 * does not, and they may lie. `name` is what messages call the file. Throws `ELF_INVALID` for a file that is cut, whose offsets or
 * counts lead out of it, or with more than 512 segments or 16384 dynamic entries.
 */
export function parseElf(bytes: Uint8Array, name: string): ElfFile {
  return new ElfReader(bytes, name).read()
}

class ElfReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #name: string
  #is64 = false

  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes
    this.#view = viewOf(bytes)
    this.#name = name
  }

  read(): ElfFile {
    if (!isElf(this.#bytes)) throw this.#invalid('it does not begin as ELF')
    const [kind, order] = [this.#byte(4), this.#byte(5)]
    if (kind !== 1 && kind !== 2) throw this.#invalid(`its class is ${kind}, want 1 or 2`)
    if (order !== 1) throw this.#invalid('it is not little-endian')
    this.#is64 = kind === 2
    const segments = this.#segments()
    const interpreter = segments.find(({ type }) => type === PT.interpreter)
    return {
      bits: this.#is64 ? 64 : 32,
      machine: this.#half(18),
      ...(interpreter === undefined ? {} : { interpreter: this.#text(interpreter.offset, interpreter.fileSize) }),
      ...this.#dynamic(segments),
    }
  }

  #segments(): Segment[] {
    const [offset, size, count] = this.#is64
      ? [this.#word(32), this.#half(54), this.#half(56)]
      : [this.#word(28), this.#half(42), this.#half(44)]
    if (count > MAX_SEGMENTS) throw this.#invalid(`it has ${count} segments, more than ${MAX_SEGMENTS}`)
    const wanted = this.#is64 ? 56 : 32
    if (count > 0 && size !== wanted) throw this.#invalid(`its segment headers have ${size} bytes, want ${wanted}`)
    return Array.from({ length: count }, (_, index) => {
      const at = offset + index * size
      return this.#is64
        ? this.#segment(at, { offset: at + 8, address: at + 16, fileSize: at + 32 })
        : this.#segment(at, { offset: at + 4, address: at + 8, fileSize: at + 16 })
    })
  }

  #segment(at: number, places: Omit<Segment, 'type'>): Segment {
    const { offset, address, fileSize } = places
    return {
      type: this.#int(at),
      offset: this.#word(offset),
      address: this.#word(address),
      fileSize: this.#word(fileSize),
    }
  }

  #dynamic(segments: readonly Segment[]): Omit<ElfFile, 'bits' | 'machine' | 'interpreter'> {
    const dynamic = segments.find(({ type }) => type === PT.dynamic)
    const entries = dynamic === undefined ? [] : this.#entries(dynamic)
    const first = (tag: number) => entries.find((entry) => entry.tag === tag)?.value
    const [address, size] = [first(DT.strtab), first(DT.strsz)]
    const name = (at: number) => {
      if (address === undefined || size === undefined) throw this.#invalid('it has names and no table of names')
      if (at >= size) throw this.#invalid('a name lies outside of its table')
      return this.#text(this.#offsetOf(address, segments) + at, size - at)
    }
    const names = (...tags: readonly number[]) =>
      entries.filter(({ tag }) => tags.includes(tag)).map(({ value }) => name(value))
    const place = (table: number, number: number) => {
      const at = first(table)
      return at === undefined ? undefined : { at: this.#offsetOf(at, segments), count: first(number) ?? 0 }
    }
    const versions: VersionTables = {
      needed: place(DT_VERNEED, DT_VERNEEDNUM),
      defined: place(DT_VERDEF, DT_VERDEFNUM),
      half: (at) => this.#half(at),
      word: (at) => this.#int(at),
      name,
      invalid: (reason) => this.#invalid(reason),
    }
    const paths = (tag: number) => names(tag).flatMap((text) => text.split(':').filter((path) => path !== ''))
    const [soname] = names(DT.soname)
    return {
      needed: names(DT.needed, DT_FILTER, DT_AUXILIARY),
      ...(soname === undefined ? {} : { soname }),
      rpath: paths(DT.rpath),
      runpath: paths(DT.runpath),
      versionsNeeded: readNeededVersions(versions),
      versionsDefined: readDefinedVersions(versions),
    }
  }

  #entries({ offset, fileSize }: Segment): readonly { readonly tag: number; readonly value: number }[] {
    const width = this.#is64 ? 8 : 4
    const entries: { tag: number; value: number }[] = []
    for (let at = offset; at + 2 * width <= offset + fileSize; at += 2 * width) {
      const tag = this.#int(at)
      if (tag === DT.null) return entries
      if (entries.length === MAX_DYNAMIC) throw this.#invalid(`it has more than ${MAX_DYNAMIC} dynamic entries`)
      entries.push({ tag, value: WITH_SMALL_VALUES.has(tag) ? this.#word(at + width) : 0 })
    }
    return entries
  }

  /** Where an address of the loaded program lies in the file. */
  #offsetOf(address: number, segments: readonly Segment[]): number {
    const holder = segments.find(
      (one) => one.type === PT.load && address >= one.address && address < one.address + one.fileSize,
    )
    if (holder === undefined) throw this.#invalid('a table of it lies in no segment')
    return address - holder.address + holder.offset
  }

  #text(offset: number, room: number): string {
    this.#require(offset, 1)
    const end = this.#bytes.indexOf(0, offset)
    const length = (end === -1 ? this.#bytes.length : end) - offset
    if (end === -1 || length >= room || length > MAX_TEXT) throw this.#invalid('a name has no end')
    return Buffer.from(this.#bytes.subarray(offset, end)).toString('utf8')
  }

  #byte(at: number): number {
    this.#require(at, 1)
    return this.#view.getUint8(at)
  }

  #half(at: number): number {
    this.#require(at, 2)
    return this.#view.getUint16(at, true)
  }

  #int(at: number): number {
    this.#require(at, 4)
    return this.#view.getUint32(at, true)
  }

  /** An address, offset or size of the file's class. */
  #word(at: number): number {
    if (!this.#is64) return this.#int(at)
    this.#require(at, 8)
    const value = Number(this.#view.getBigUint64(at, true))
    if (!Number.isSafeInteger(value)) throw this.#invalid(`the number at ${at} is larger than any file`)
    return value
  }

  #require(at: number, length: number): void {
    if (at + length > this.#bytes.length) throw this.#invalid(`it ends before byte ${at + length}`)
  }

  #invalid(reason: string): ElfError {
    return new ElfError('ELF_INVALID', `cannot read ${this.#name} as ELF: ${reason}`)
  }
}

/** Values of other entries may be anything, flags with the highest bit among them. */
const WITH_SMALL_VALUES: ReadonlySet<number> = new Set([
  ...[DT.needed, DT.strtab, DT.strsz, DT.soname, DT.rpath, DT.runpath],
  ...[DT_AUXILIARY, DT_FILTER, DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM],
])

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
