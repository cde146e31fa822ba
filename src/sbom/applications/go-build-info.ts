import { type FileReading, type FoundPackage, isPlain, NOTHING, unreadable } from './found-package.ts'

/** Written apart, so that no program that carries this source looks like one that Go made. */
const MAGIC = Buffer.from(['\xff Go bu', 'ildinf:'].join(''), 'latin1')
/** As much of it as Node searches for in its quicker way. */
const BEGIN = MAGIC.subarray(0, 6)
const ELF = Buffer.from('\x7fELF', 'latin1')
const ALIGNMENT = 16
const HEADER = 32
const INLINE = 2
/** Around the list of modules stand 16 bytes at either end (Go's runtime/debug). */
const SENTINEL = 16
/** The longest list of modules that is read, and the longest version of Go. */
const LONGEST = 2 ** 22
const LONGEST_VERSION = 256
/** How many places that look like build info are looked at. */
const MOST_PLACES = 64

/** What Go says of how it built a program. */
export interface GoBuildInfo {
  /** `go1.24.4`. */
  readonly version: string
  /** A line each: `path`, `mod`, `dep`, `=>`, `build`, with tabs between fields. */
  readonly modules: string
}

/**
 * Looks for Go's build info in an ELF file that is pushed in chunks of any size, and holds no more of it than that. Only the
 * inline form is read, which Go writes since 1.18 (Go's debug/buildinfo).
 */
export class GoBuildInfoReader {
  #info: GoBuildInfo | undefined
  #sawOldForm = false
  #isElf: boolean | undefined
  /** The last bytes seen: from a place that looks like build info on, or enough to know one that is cut. */
  #tail: Buffer = Buffer.alloc(0)
  /** Where in the file `#tail` begins. */
  #offset = 0
  #places = 0

  push(chunk: Uint8Array): void {
    if (this.#info !== undefined || this.#isElf === false || this.#places > MOST_PLACES) return
    this.#isElf ??= isElf(this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk]))
    if (this.#isElf === false || (this.#isElf === true && this.#passes(chunk))) return
    this.#tail = this.#tail.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#tail, chunk])
    if (this.#isElf === true) this.#search(false)
  }

  /** Passes over a chunk in which, together with what was kept, no build info begins; it is not copied. */
  #passes(chunk: Uint8Array): boolean {
    const edge = MAGIC.length - 1
    if (this.#tail.length > edge || chunk.length < edge) return false
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const seam = Buffer.concat([this.#tail, bytes.subarray(0, edge)])
    if (seam.includes(MAGIC) || bytes.includes(BEGIN)) return false
    this.#offset += this.#tail.length + bytes.length - edge
    this.#tail = Buffer.from(bytes.subarray(bytes.length - edge))
    return true
  }

  /** The build info; `undefined` for a file that has none. */
  end(): GoBuildInfo | undefined {
    if (this.#isElf === true && this.#info === undefined) this.#search(true)
    return this.#info
  }

  /** Whether there is build info in the form of Go before 1.18, which is not read. */
  get hasOldForm(): boolean {
    return this.#info === undefined && this.#sawOldForm
  }

  #search(isLast: boolean): void {
    for (let from = 0; ; ) {
      const at = this.#tail.indexOf(MAGIC, from)
      if (at < 0) {
        this.#drop(this.#tail.length - MAGIC.length + 1)
        return
      }
      from = at + 1
      if ((this.#offset + at) % ALIGNMENT !== 0) continue
      if (++this.#places > MOST_PLACES) return
      const read = readAt(this.#tail, at)
      if (read === 'more' && !isLast) {
        this.#places--
        this.#drop(at)
        return
      }
      if (read === 'old') this.#sawOldForm = true
      if (typeof read === 'object') {
        this.#info = read
        this.#tail = Buffer.alloc(0)
        return
      }
    }
  }

  #drop(length: number): void {
    const dropped = Math.max(0, length)
    this.#offset += dropped
    this.#tail = Buffer.from(this.#tail.subarray(dropped))
  }
}

/** Whether a file that begins so is ELF; `undefined` where it is too little to say. */
function isElf(begin: Uint8Array): boolean | undefined {
  return begin.length < ELF.length ? undefined : ELF.equals(begin.subarray(0, ELF.length))
}

/** What stands at a place: build info, its older form, nothing, or the beginning of it. */
function readAt(bytes: Buffer, at: number): GoBuildInfo | 'more' | 'old' | 'none' {
  if (bytes.length < at + HEADER) return 'more'
  const flags = bytes[at + 15] ?? 0
  if ((flags & INLINE) === 0) return [4, 8].includes(bytes[at + 14] ?? 0) ? 'old' : 'none'
  const version = stringAt(bytes, at + HEADER, LONGEST_VERSION)
  if (typeof version === 'string') return version
  if (!/^(?:go|devel)[\x20-\x7e]*$/.test(version.text)) return 'none'
  const modules = stringAt(bytes, version.end, LONGEST)
  if (typeof modules === 'string') return modules
  const isFramed = modules.text.length >= 2 * SENTINEL + 1 && modules.text.at(-SENTINEL - 1) === '\n'
  return {
    version: version.text,
    modules: isFramed ? Buffer.from(modules.text.slice(SENTINEL, -SENTINEL), 'latin1').toString('utf8') : '',
  }
}

/** A text behind its length, which is written as Go's unsigned varint. */
function stringAt(bytes: Buffer, start: number, longest: number): { text: string; end: number } | 'more' | 'none' {
  let length = 0
  let at = start
  for (let shift = 0; ; shift += 7, at++) {
    if (shift > 28) return 'none'
    const byte = bytes[at]
    if (byte === undefined) return 'more'
    length += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  if (length > longest) return 'none'
  const end = at + 1 + length
  return bytes.length < end ? 'more' : { text: bytes.toString('latin1', at + 1, end), end }
}

/**
 * Gives the modules that a Go program was built of: its own, those it uses, replacements instead of what they replace, and the
 * standard library as `stdlib`. Versions are Go's own, `v1.2.3`, of the library `1.24.4`; what no release has is `(devel)`.
 */
export function modulesOf({ version, modules }: GoBuildInfo, path: string): FileReading {
  const found: FoundPackage[] = []
  const faults: string[] = []
  const add = (name: string | undefined, release: string | undefined) => {
    if (isPlain(name) && isPlain(release)) found.push({ ecosystem: 'Go', name, version: release, path })
    else faults.push(`cannot read ${path}: a module in its build info has no name or version`)
  }
  const [, library] = /^go(\d+\.\d+\S*)/.exec(version) ?? []
  if (library !== undefined) add('stdlib', library)
  let last: readonly (string | undefined)[] | undefined
  const flush = () => {
    if (last !== undefined) add(last[1], last[2] === '' ? '(devel)' : last[2])
    last = undefined
  }
  for (const line of modules.split('\n')) {
    const fields = line.split('\t')
    if (fields[0] === '=>') {
      // A folder in a module's place is no release of anything.
      if (/^[./]/.test(fields[1] ?? '')) last = ['dep', last?.[1], '(devel)']
      else last = ['dep', fields[1], fields[2]]
      continue
    }
    flush()
    if (fields[0] === 'mod' || fields[0] === 'dep') last = fields
  }
  flush()
  return { packages: found, faults }
}

/** The reading of a file whose bytes a reader was given. */
export function readGoProgram(reader: GoBuildInfoReader, path: string): FileReading {
  const info = reader.end()
  if (info !== undefined) return modulesOf(info, path)
  return reader.hasOldForm ? unreadable(path, 'its build info is of Go before 1.18') : NOTHING
}
