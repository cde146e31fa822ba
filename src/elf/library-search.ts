import type { ImageFile, ImageFiles } from '#oci'
import { type ElfFile, isElf, parseElf } from './elf.ts'

/** A program or library that was found in an image. */
export interface LoadedObject {
  /** Where it really lies, links followed. */
  readonly path: string
  readonly elf: ElfFile
  /** DT_RPATH of what has loaded it, nearest first, which holds for what it needs in turn (ld.so(8)). */
  readonly inherited: readonly string[]
}

/** Debian's names for machines, as its library folders have them. */
const TRIPLETS: Readonly<Record<number, string>> = {
  3: 'i386-linux-gnu',
  8: 'mips64el-linux-gnuabi64',
  21: 'powerpc64le-linux-gnu',
  40: 'arm-linux-gnueabihf',
  62: 'x86_64-linux-gnu',
  183: 'aarch64-linux-gnu',
  243: 'riscv64-linux-gnu',
}
/** Better variants that glibc takes where the processor can: which ones it can is not known here. */
const HWCAPS = ['x86-64-v4', 'x86-64-v3', 'x86-64-v2', 'power10', 'power9']
const MAX_INCLUDES = 256
const MAX_SEARCH_PATHS = 512

/** What an ELF file of an image says, links and hard links followed; `undefined` for a file that is none, or damaged. */
export type ReadElf = (file: ImageFile) => ElfFile | undefined

/**
 * Finds libraries in an image as glibc's loader does (ld.so(8)). The cache is not read: the folders that it is made of are. ELF
 * files are read from the content of the image's files, unless `readElf` knows them already.
 */
export class LibrarySearch {
  readonly #files: ImageFiles
  readonly #environment: readonly string[]
  readonly #readElf: ReadElf
  readonly #configured: readonly string[]
  readonly #known = new Map<string, ElfFile | undefined>()
  /** Files that are meant to be ELF and cannot be read, with the reason. */
  readonly faults = new Map<string, string>()

  constructor(files: ImageFiles, environment: ReadonlyMap<string, string>, readElf?: ReadElf) {
    this.#files = files
    this.#readElf = readElf ?? (({ path }) => this.#read(path))
    this.#environment = splitPaths(environment.get('LD_LIBRARY_PATH') ?? '')
    this.#configured = readLoaderConfiguration(files)
  }

  /** The folders that hold for every program of a machine. */
  folders(machine: number): readonly string[] {
    const triplet = TRIPLETS[machine]
    const multiarch = triplet === undefined ? [] : [`/lib/${triplet}`, `/usr/lib/${triplet}`]
    return [...this.#environment, ...this.#configured, ...multiarch, '/lib64', '/usr/lib64', '/lib', '/usr/lib']
  }

  /** Where a library is that an object needs or names; the better variants of it as well. Empty where it is nowhere. */
  find(name: string, from: LoadedObject): readonly string[] {
    const { elf } = from
    if (name.includes('/')) return this.#fitting([expand(name, from)], elf).slice(0, 1)
    const rpath = elf.runpath.length > 0 ? [] : [...elf.rpath.map((path) => expand(path, from)), ...from.inherited]
    const runpath = elf.runpath.map((path) => expand(path, from))
    const [own, all] = [this.#environment, this.folders(elf.machine).slice(this.#environment.length)]
    const folders = [...rpath, ...own, ...runpath, ...all].slice(0, MAX_SEARCH_PATHS)
    for (const folder of folders) {
      const [plain] = this.#fitting([`${folder}/${name}`], elf)
      const better = HWCAPS.map((variant) => `${folder}/glibc-hwcaps/${variant}/${name}`)
      const found = [...(plain === undefined ? [] : [plain]), ...this.#fitting(better, elf)]
      if (found.length > 0) return found
    }
    return []
  }

  /** The ELF file that a path leads to; `undefined` where it leads to none that can be read. */
  elfAt(path: string): ElfFile | undefined {
    const file = this.#files.resolve(path)
    if (file === undefined) return undefined
    if (!this.#known.has(file.path)) this.#known.set(file.path, this.#readElf(file))
    return this.#known.get(file.path)
  }

  #read(path: string): ElfFile | undefined {
    const content = this.#files.read(path)
    if (content === undefined || !isElf(content)) return undefined
    try {
      return parseElf(content, path)
    } catch (error) {
      this.faults.set(path, error instanceof Error ? error.message : String(error))
      return undefined
    }
  }

  /** A loader passes over files of another class or machine. */
  #fitting(paths: readonly string[], { bits, machine }: ElfFile): string[] {
    return paths.flatMap((path) => {
      const elf = this.elfAt(path)
      const real = this.#files.resolve(path)?.path
      return real !== undefined && elf?.bits === bits && elf.machine === machine ? [real] : []
    })
  }
}

/** The DT_RPATHs that hold for what an object loads: its own, unless it has a DT_RUNPATH, then those above it. */
export function rpathsBelow(from: LoadedObject): readonly string[] {
  const own = from.elf.runpath.length > 0 ? [] : from.elf.rpath.map((path) => expand(path, from))
  return [...new Set([...own, ...from.inherited])].slice(0, MAX_SEARCH_PATHS)
}

/** Debian's name for a machine: `x86_64-linux-gnu`. */
export function tripletOf(machine: number): string | undefined {
  return TRIPLETS[machine]
}

/** Paths of a variable or of ld.so.preload: separated by colons or white space. */
export function splitPaths(text: string): string[] {
  return text.split(/[:;\s]+/).filter((path) => path !== '')
}

/** Replaces the loader's tokens: the folder of the object itself, the folder of libraries. */
function expand(path: string, { path: own, elf }: LoadedObject): string {
  const origin = own.slice(0, own.lastIndexOf('/'))
  const library = TRIPLETS[elf.machine] === undefined ? 'lib' : `lib/${TRIPLETS[elf.machine]}`
  return path.replace(/\$(?:ORIGIN\b|\{ORIGIN\})/g, origin).replace(/\$(?:LIB\b|\{LIB\})/g, library)
}

/** The folders of ld.so.conf(5), files that it includes taken in at their place, each once. */
function readLoaderConfiguration(files: ImageFiles): string[] {
  const folders = new Set<string>()
  const seen = new Set<string>()
  const paths = [...files.entries()].map(({ path }) => path).filter((path) => path.startsWith('/etc/'))
  const read = (path: string) => {
    if (seen.has(path) || seen.size >= MAX_INCLUDES) return
    seen.add(path)
    const text = Buffer.from(files.read(path) ?? []).toString('utf8')
    for (const line of text.split('\n').map((each) => each.replace(/#.*/, '').trim())) {
      const [, pattern] = /^include\s+(\S+)/.exec(line) ?? []
      if (pattern !== undefined) for (const included of matching(paths, pattern)) read(included)
      else if (line.startsWith('/')) folders.add(line.replace(/\/+$/, '').replace(/[=\s].*/, ''))
    }
  }
  read('/etc/ld.so.conf')
  return [...folders]
}

function matching(paths: readonly string[], pattern: string): string[] {
  const absolute = pattern.startsWith('/') ? pattern : `/etc/${pattern}`
  const parts = absolute.split(/(\*+|\?)/).map((part) => {
    if (part === '?') return '[^/]'
    return part.startsWith('*') ? '[^/]*' : part.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  })
  const expression = new RegExp(`^${parts.join('')}$`)
  return paths.filter((path) => expression.test(path)).sort()
}
