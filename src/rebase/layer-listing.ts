import { type ContentSink, type Digest, messageOf } from '#core'
import { isDatabasePath } from '#debian'
import { type ElfFile, isElf, parseElf } from '#elf'
import { type ImageFile, type LayerContent, type OpenedLayer, readLayerContent } from '#oci'

/** What one layer holds, as far as its place in an image decides what an image does. A function of its content alone. */
export interface LayerListing {
  readonly diffId: Digest
  /** Every entry with its digest; with their content the files that `isListedContent` names. */
  readonly content: LayerContent
  /** Programs and libraries, by path. */
  readonly programs: ReadonlyMap<string, ElfFile>
  /** Of files that begin as ELF and cannot be read as such, why, by path. */
  readonly unreadable: ReadonlyMap<string, string>
  /** Of executable scripts the line behind `#!`, by path. */
  readonly scripts: ReadonlyMap<string, string>
}

const ACCOUNTS = /^\/etc\/(?:passwd|group)$/
const LOADER = /^\/etc\/ld\.so\.(?:conf|preload|conf\.d\/[^/]+)$/
const PACKAGE_LIST = /^\/var\/lib\/dpkg\/info\//
/** Bytes of the largest program that is read, as for `reach`. */
const MAX_PROGRAM = 512 * 2 ** 20
const MAX_SCRIPT_LINE = 256
/** Bytes of contents that are kept of one layer. */
const MAX_CONTENT = 2 ** 27

/** Whether a listing keeps a file's content: accounts, the loader's configuration, the package database without its lists. */
export function isListedContent(path: string): boolean {
  return ACCOUNTS.test(path) || LOADER.test(path) || (isDatabasePath(path) && !PACKAGE_LIST.test(path))
}

/** Reads what a layer holds, in one pass. Rejects as `readLayerContent` does. */
export async function readLayerListing(layer: Pick<OpenedLayer, 'openTar' | 'diffId'>): Promise<LayerListing> {
  const programs = new Map<string, ElfFile>()
  const unreadable = new Map<string, string>()
  const scripts = new Map<string, string>()
  const content = await readLayerContent(layer, {
    hashes: true,
    wants: ({ path }) => isListedContent(path),
    maxContent: MAX_CONTENT,
    take: (file) => new ProgramSink(file, { programs, unreadable, scripts }),
  })
  return { diffId: layer.diffId, content, programs, unreadable, scripts }
}

type Found = {
  [Key in 'programs' | 'unreadable' | 'scripts']: Map<
    string,
    LayerListing[Key] extends ReadonlyMap<string, infer Value> ? Value : never
  >
}

/** Takes a file's content; holds no more of it than its first line, unless it begins as ELF. */
class ProgramSink implements ContentSink {
  readonly #file: Omit<ImageFile, 'content'>
  readonly #found: Found
  #bytes: Buffer
  #filled = 0

  constructor(file: Omit<ImageFile, 'content'>, found: Found) {
    this.#file = file
    this.#found = found
    this.#bytes = Buffer.alloc(Math.min(file.size, MAX_SCRIPT_LINE))
  }

  write(chunk: Uint8Array): void {
    const head = Math.min(chunk.length, this.#bytes.length - this.#filled)
    this.#bytes.set(chunk.subarray(0, head), this.#filled)
    this.#filled += head
    if (head === chunk.length || !isElf(this.#bytes)) return
    const { size } = this.#file
    if (this.#bytes.length === size || size > MAX_PROGRAM) return
    const whole = Buffer.allocUnsafeSlow(size)
    whole.set(this.#bytes)
    this.#bytes = whole
    this.write(chunk.subarray(head))
  }

  end(): void {
    const { path, size, mode } = this.#file
    const { programs, unreadable, scripts } = this.#found
    if (isElf(this.#bytes)) {
      try {
        if (size > MAX_PROGRAM) unreadable.set(path, `it has more than ${MAX_PROGRAM} bytes`)
        else programs.set(path, parseElf(this.#bytes, path))
      } catch (error) {
        unreadable.set(path, messageOf(error))
      }
      return
    }
    const line = (mode & 0o111) === 0 ? undefined : /^#![ \t]*([^\n]*)/.exec(this.#bytes.toString('utf8'))?.[1]
    if (line !== undefined) scripts.set(path, line.trim())
  }
}
