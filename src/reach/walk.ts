import { LibrarySearch, type LoadedObject, rpathsBelow, splitPaths, tripletOf } from '#elf'
import type { ImageFiles } from '#oci'
import { namedFiles } from './named-files.ts'
import { runtimeOf } from './runtimes.ts'

/** How one file leads to the next. `names` and `runs` are hints: the file's name stands in the other; `imports` is a folder. */
export type ReachHow = 'starts' | 'is interpreted by' | 'needs' | 'preloads' | 'names' | 'runs' | 'imports'

/** A step of a chain: how the file is reached from the one before it. */
export interface ReachStep {
  readonly how: ReachHow
  readonly path: string
}

/** What an image starts, and with what. */
export interface ProcessStart {
  /** Entrypoint and command, as the config has them. */
  readonly command: readonly string[]
  readonly environment: ReadonlyMap<string, string>
}

/** A file that is reached. */
export interface ReachedFile {
  /** Certainly, or by at least one step that is a hint or an import. */
  readonly isCertain: boolean
  /** From the entrypoint to the file itself. */
  readonly chain: readonly ReachStep[]
}

interface Visit {
  readonly path: string
  readonly how: ReachHow
  readonly isCertain: boolean
  /** What has led here; absent for what the image starts. */
  readonly from?: Visit
  readonly inherited: readonly string[]
  /** Names that the process has loaded already: the loader does not look for them again. */
  readonly names: Set<string>
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const SHARED_OBJECT = /\.so(?:\.[0-9.]+)?$|\.node$/
const NAME_SERVICE_LIBRARY = 'libc.so.6'
const SCRIPT_LIMIT = 256 * 1024

/** Follows what a process loads, from what the image starts to every file that it leads to. Each file is looked at once. */
export class Walk {
  readonly reached = new Map<string, ReachedFile>()
  /** Folders that reached runtimes import from, with the chain to the runtime. */
  readonly folders = new Map<string, readonly ReachStep[]>()
  /** Why more may be loaded than was seen, a line each. */
  readonly limits = new Set<string>()
  readonly search: LibrarySearch
  readonly #files: ImageFiles
  readonly #path: readonly string[]
  readonly #objects: readonly string[]
  readonly #certain: Visit[] = []
  readonly #hinted: Visit[] = []

  constructor(files: ImageFiles, start: ProcessStart) {
    this.#files = files
    this.search = new LibrarySearch(files, start.environment)
    this.#path = splitPaths(start.environment.get('PATH') ?? DEFAULT_PATH)
    this.#objects = [...files.entries()]
      .filter(({ path, type }) => type !== 'directory' && SHARED_OBJECT.test(path))
      .map(({ path }) => path)
      .sort()
    this.#start(start)
    this.#run()
  }

  /** The program is certain; what its arguments name is a hint, as in `tini -- nginx`. */
  #start({ command, environment }: ProcessStart): void {
    const [program = '', ...words] = command
    const path = this.#executable(program)
    if (path === undefined) return
    const first: Visit = { path, how: 'starts', isCertain: true, inherited: [], names: new Set() }
    this.#add(first)
    for (const library of [
      ...splitPaths(environment.get('LD_PRELOAD') ?? ''),
      ...splitPaths(Buffer.from(this.#files.read('/etc/ld.so.preload') ?? []).toString('utf8')),
    ]) {
      const elf = this.search.elfAt(path)
      const found = elf === undefined ? [] : this.search.find(library, { path, elf, inherited: [] })
      for (const each of found) this.#lead(first, 'preloads', each)
    }
    for (const word of words) this.#runs(first, word)
  }

  /** Certain files first, so that a chain without hints is found where there is one. */
  #run(): void {
    for (let visit = this.#next(); visit !== undefined; visit = this.#next()) {
      if (this.reached.has(visit.path)) continue
      this.reached.set(visit.path, { isCertain: visit.isCertain, chain: chainOf(visit) })
      const elf = this.search.elfAt(visit.path)
      if (elf === undefined) this.#followScript(visit)
      else this.#followObject(visit, { path: visit.path, elf, inherited: visit.inherited })
    }
  }

  #next(): Visit | undefined {
    return this.#certain.shift() ?? this.#hinted.shift()
  }

  #add(visit: Visit): void {
    if (!this.reached.has(visit.path)) (visit.isCertain ? this.#certain : this.#hinted).push(visit)
  }

  /** `runs` begins a process of its own, whose loader knows no names and no paths yet. */
  #lead(from: Visit, how: ReachHow, path: string, inherited: readonly string[] = []): void {
    const isCertain = from.isCertain && ['needs', 'is interpreted by', 'preloads'].includes(how)
    const names = how === 'runs' ? new Set<string>() : from.names
    this.#add({ path, how, isCertain, from, inherited, names })
  }

  #followObject(visit: Visit, object: LoadedObject): void {
    const { elf } = object
    if (elf.soname !== undefined) visit.names.add(elf.soname)
    if (elf.interpreter !== undefined) {
      const loader = this.#files.resolve(elf.interpreter)?.path
      if (loader !== undefined) this.#lead(visit, 'is interpreted by', loader)
    }
    this.#loads(visit, object, { how: 'needs', names: elf.needed })
    const { libraries, paths, runsByName } = namedFiles(this.#files.read(object.path) ?? new Uint8Array())
    this.#loads(visit, object, { how: 'names', names: libraries })
    if (elf.soname === NAME_SERVICE_LIBRARY) {
      const services = nameServices(this.#files).map((name) => `libnss_${name}.so.2`)
      this.#loads(visit, object, { how: 'names', names: services })
    } else if (runsByName) this.limits.add(`${object.path} can run programs by names that are not seen (execvp)`)
    this.#opens(visit, paths, this.#loaderFolders(object))
    this.#imports(visit, tripletOf(elf.machine) ?? '')
  }

  #loads(
    visit: Visit,
    object: LoadedObject,
    { how, names }: { how: 'needs' | 'names'; names: readonly string[] },
  ): void {
    for (const name of names) {
      if (visit.names.has(name)) continue
      const found = this.search.find(name, object)
      if (found.length === 0) {
        if (how === 'needs') this.limits.add(`${object.path} needs ${name}, which the image does not have`)
        continue
      }
      // A library that is only named may never be loaded: what is needed by that name is still looked for.
      if (how === 'needs') visit.names.add(name)
      for (const path of found) this.#lead(visit, how, path, rpathsBelow(object))
    }
  }

  /** Folders that the loader looks through, and takes from them what it is asked for: naming one is asking for nothing. */
  #loaderFolders({ elf }: LoadedObject): ReadonlySet<string> {
    const folders = [...this.search.folders(elf.machine), ...elf.rpath, ...elf.runpath]
    return new Set(folders.map((folder) => this.#real(folder)))
  }

  /** Absolute paths that an object names: programs and libraries, and folders of libraries, other than those of the loader. */
  #opens(visit: Visit, paths: readonly string[], loaderFolders: ReadonlySet<string>): void {
    for (const path of paths) {
      const file = this.#files.resolve(path.replace(/\/+$/, ''))
      if (file === undefined) continue
      if (file.type === 'directory') {
        if (!loaderFolders.has(file.path)) this.#opensFolder(visit, file.path)
      } else if (SHARED_OBJECT.test(file.path)) this.#lead(visit, 'names', file.path)
      else if ((file.mode & 0o111) !== 0) this.#lead(visit, 'runs', file.path)
    }
  }

  #opensFolder(visit: Visit, folder: string): void {
    for (const path of this.#objects) {
      if (path.slice(0, path.lastIndexOf('/')) === folder) this.#lead(visit, 'imports', this.#real(path))
    }
  }

  /** A runtime can import whatever lies in its folders, and run what nobody has looked at. */
  #imports(visit: Visit, triplet: string): void {
    const runtime = runtimeOf(visit.path, triplet)
    if (runtime === undefined) return
    this.limits.add(
      `${visit.path} (${runtime.name}) runs code that is not analysed: it may load and run anything there is`,
    )
    for (const folder of runtime.folders.map((each) => this.#real(each))) {
      if (!this.folders.has(folder)) this.folders.set(folder, chainOf(visit))
      for (const path of this.#objects)
        if (path.startsWith(`${folder}/`)) this.#lead(visit, 'imports', this.#real(path))
    }
  }

  /** A script leads to its interpreter (execve(2)); its words that name programs are hints. */
  #followScript(visit: Visit): void {
    const content = this.#files.read(visit.path)
    const text = Buffer.from(content?.subarray(0, SCRIPT_LIMIT) ?? []).toString('utf8')
    const [, line] = /^#![ \t]*([^\n]*)/.exec(text) ?? []
    if (line === undefined) return
    const [interpreter = '', ...words] = line.split(/[ \t]+/)
    const found = this.#executable(interpreter)
    if (found !== undefined) this.#lead(visit, 'is interpreted by', found)
    for (const word of words) this.#runs(visit, word)
    for (const word of new Set(text.match(/[A-Za-z0-9_./+-]{2,255}/g) ?? [])) this.#runs(visit, word)
  }

  #runs(visit: Visit, word: string): void {
    const path = this.#executable(word)
    if (path !== undefined) this.#lead(visit, 'runs', path)
  }

  /** The program that a word starts, by PATH unless it has a slash (execvp(3)). */
  #executable(word: string): string | undefined {
    if (word === '' || (word.includes('/') && !word.startsWith('/'))) return undefined
    const places = word.startsWith('/') ? [word] : this.#path.map((folder) => `${folder}/${word}`)
    for (const place of places) {
      const file = this.#files.resolve(place)
      if (file !== undefined && file.type !== 'directory' && (file.mode & 0o111) !== 0) return file.path
    }
    return undefined
  }

  #real(path: string): string {
    return this.#files.resolve(path)?.path ?? path
  }
}

/** The services of nsswitch.conf(5): glibc puts together the names of their libraries. */
function nameServices(files: ImageFiles): string[] {
  const text = Buffer.from(files.read('/etc/nsswitch.conf') ?? []).toString('utf8')
  const lines = text.split('\n').map((line) => /^\s*[a-z_]+:(.*)/.exec(line.replace(/#.*/, ''))?.[1] ?? '')
  const words = lines.flatMap((line) => line.replace(/\[[^\]]*\]/g, ' ').split(/\s+/))
  return [...new Set(words.filter((word) => /^[a-z0-9_]{1,32}$/.test(word)))].sort()
}

function chainOf(visit: Visit): readonly ReachStep[] {
  const steps: ReachStep[] = []
  for (let at: Visit | undefined = visit; at !== undefined; at = at.from) steps.push({ how: at.how, path: at.path })
  return steps.reverse()
}
