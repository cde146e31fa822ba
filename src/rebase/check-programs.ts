import { type ElfFile, LibrarySearch } from '#elf'
import type { ImageFile } from '#oci'
import type { ImageTree } from './image-tree.ts'
import { REBUILD, type Refusal, type RefusalCode } from './refusal.ts'

/** What is missing for a file to be run or used, by what it says itself. */
export interface Want {
  readonly code: RefusalCode
  /** The path of what wants it. */
  readonly path: string
  /** What it wants, in words: the same for the same want. */
  readonly what: string
  /** What there is instead. */
  readonly found: string
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Says what files of an image want and do not find in it. Nothing is run, and no symbol is looked for: versions stand for them. */
export class ProgramCheck {
  readonly #tree: ImageTree
  readonly #search: LibrarySearch
  readonly #path: readonly string[]

  constructor(tree: ImageTree, environment: ReadonlyMap<string, string>) {
    this.#tree = tree
    this.#search = new LibrarySearch(tree.files, environment, (file) => tree.program(file))
    this.#path = (environment.get('PATH') ?? DEFAULT_PATH).split(':')
  }

  /** What a file wants and does not find; nothing for one that is data. */
  wants(file: ImageFile): readonly Want[] {
    const { path } = file
    if (file.type === 'symlink') return this.#link(file)
    const elf = this.#tree.program(file)
    if (elf !== undefined) return this.#program(path, elf)
    const fault = this.#tree.unreadable(file)
    if (fault !== undefined && (file.mode & 0o111) !== 0) {
      return [{ code: 'program-unreadable', path, what: 'libraries', found: fault }]
    }
    return this.#script(path, this.#tree.script(file))
  }

  /** What the image starts, and does not have. */
  start(command: readonly string[], workingFolder: string): readonly Want[] {
    const [program] = command
    if (program === undefined || this.#executable(program, workingFolder) !== undefined) return []
    return [{ code: 'program-missing', path: program, what: 'the program that the image starts', found: 'nothing' }]
  }

  /** Whether a file wants a library by one of these names. */
  needsAny(file: ImageFile, names: ReadonlySet<string>): boolean {
    return this.#tree.program(file)?.needed.some((name) => names.has(name)) ?? false
  }

  #link({ path, target }: ImageFile): readonly Want[] {
    if (this.#tree.files.resolve(path) !== undefined) return []
    return [{ code: 'link-broken', path, what: target, found: 'nothing' }]
  }

  #program(path: string, elf: ElfFile): readonly Want[] {
    const wants: Want[] = []
    const loader = elf.interpreter
    if (loader !== undefined && this.#tree.files.resolve(loader) === undefined) {
      wants.push({ code: 'loader-missing', path, what: loader, found: 'nothing' })
    }
    const versions = new Map(elf.versionsNeeded.map((one) => [one.library, one.versions]))
    for (const name of elf.needed) {
      const [library] = this.#search.find(name, { path, elf, inherited: [] })
      if (library === undefined) wants.push({ code: 'library-missing', path, what: name, found: 'nothing' })
      else wants.push(...this.#versions({ path, name, library, versions: versions.get(name) ?? [] }))
    }
    return wants
  }

  /** A library without any versions is taken as it is (ld.so(8) warns only). */
  #versions(need: { path: string; name: string; library: string; versions: readonly string[] }): readonly Want[] {
    const { path, name, library, versions } = need
    const defined = new Set(this.#search.elfAt(library)?.versionsDefined ?? [])
    if (defined.size === 0) return []
    return versions
      .filter((version) => !defined.has(version))
      .map((version) => ({
        code: 'symbol-version-missing',
        path,
        what: `${version} of ${name}`,
        found: `${library} without it`,
      }))
  }

  /** `#!/usr/bin/env NAME` is for what PATH leads to. */
  #script(path: string, line: string | undefined): readonly Want[] {
    const [interpreter = '', ...words] = (line ?? '').split(/[ \t]+/)
    if (interpreter === '') return []
    const missing =
      this.#executable(interpreter, '/') === undefined ? interpreter : this.#missingFor(interpreter, words)
    if (missing === undefined) return []
    return [{ code: 'script-interpreter-missing', path, what: missing, found: 'nothing' }]
  }

  #missingFor(interpreter: string, words: readonly string[]): string | undefined {
    if (!/\/env$/.test(interpreter)) return undefined
    const name = words.find((word) => !word.startsWith('-') && !word.includes('='))
    return name === undefined || this.#executable(name, '/') !== undefined ? undefined : name
  }

  #executable(word: string, folder: string): string | undefined {
    const places = word.startsWith('/')
      ? [word]
      : word.includes('/')
        ? [`${folder}/${word}`]
        : this.#path.map((each) => `${each}/${word}`)
    return places.map((place) => this.#tree.files.resolve(place)?.path).find((place) => place !== undefined)
  }
}

/** The refusal of a want that the old image satisfies and the result does not. */
export function wantRefusal({ code, path, what, found }: Want, whose: 'application' | 'base'): Refusal {
  const wants = `${path} wants ${what}`
  const remedy = `${REBUILD}, or rebase onto a base that has it`
  if (whose === 'application') return { code, subject: path, application: wants, base: `has ${found}`, remedy }
  return { code, subject: path, application: `has ${found}`, base: wants, remedy }
}
