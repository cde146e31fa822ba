import { parseBinaryPackage } from './binary-package.ts'
import { DebianError } from './errors.ts'
import type { BinaryPackage } from './package.ts'
import { parseStanza, splitParagraphs } from './stanza.ts'

/** A package as an image's dpkg database has it. */
export interface InstalledPackage extends BinaryPackage {
  readonly maintainer: string
  /** Empty where the package names none. */
  readonly homepage: string
  /** Paths that the package owns, directories among them, as its list writes them; empty where there is no list. */
  readonly paths: readonly string[]
}

/** The files of an image as far as a database is looked for in them. */
export interface DatabaseFiles {
  /** Every path of the image. */
  paths(): Iterable<string>
  /** The content of a file, links followed; `undefined` where there is none. */
  read(path: string): Uint8Array | undefined
}

/** What an image's database says, and what in it could not be read. */
export interface DpkgDatabase {
  /** By name, then architecture. */
  readonly packages: readonly InstalledPackage[]
  /** A line for each paragraph that is no package. */
  readonly faults: readonly string[]
}

const STATUS = '/var/lib/dpkg/status'
/** One file a package, as distroless images have it; beside each may stand NAME.md5sums. */
const STATUS_FOLDER = '/var/lib/dpkg/status.d/'
const INFO = '/var/lib/dpkg/info/'
const MAX_PARAGRAPHS = 200_000
/** Bytes of `status`, and of any other file of a database; the largest that are known have some ten, and two, millions. */
const MAX_STATUS = 2 ** 26
const MAX_FILE = 2 ** 24
/** Paths of all lists together; a system with everything installed has some ten millions. */
const MAX_PATHS = 20_000_000

/** Whether a path is one that `readDpkgDatabase` reads. */
export function isDatabasePath(path: string): boolean {
  return path === STATUS || path.startsWith(STATUS_FOLDER) || (path.startsWith(INFO) && path.endsWith('.list'))
}

/**
 * Reads both forms of dpkg's database: `status` with `info/*.list`, and `status.d/`. Only packages that are installed count
 * (`Status:` ends in `installed`, or there is no such field). Throws `DPKG_DATABASE_INVALID` where there is a database of which
 * no paragraph can be read, or one with more paragraphs, paths or bytes than any system has.
 */
export function readDpkgDatabase(files: DatabaseFiles): DpkgDatabase {
  const packages = new Map<string, InstalledPackage>()
  const faults: string[] = []
  const take = (text: string, origin: string, listed: (name: string, architecture: string) => readonly string[]) => {
    try {
      const one = readInstalled(text, origin, listed)
      if (one !== undefined) packages.set(`${one.name}:${one.architecture}`, one)
      room -= one?.paths.length ?? 0
    } catch (error) {
      // Who could make one package too large to be read would hide it.
      if (!(error instanceof DebianError) || error.code === 'DPKG_DATABASE_INVALID') throw error
      faults.push(error.message)
    }
    if (room < 0) throw invalid(`its lists have over ${MAX_PATHS} paths`)
  }
  const status = files.read(STATUS)
  let room = MAX_PATHS
  let paragraphs = 0
  for (const [number, text] of paragraphsOf(status).entries()) {
    paragraphs++
    take(text, `${STATUS}, paragraph ${number + 1}`, (name, architecture) => {
      const list = files.read(`${INFO}${name}:${architecture}.list`) ?? files.read(`${INFO}${name}.list`)
      return linesOf(list, `the list of ${name}`)
    })
  }
  for (const path of statusFiles(files)) {
    paragraphs++
    take(textOf(files.read(path), path), path, () => sumsIn(files, path))
  }
  if (paragraphs > 0 && packages.size === 0 && faults.length > 0) throw invalid(faults[0] ?? '')
  const sorted = [...packages].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, one]) => one)
  return { packages: sorted, faults }
}

/** What a part of a database says that a package owns. */
export interface PackageList {
  readonly name: string
  /** Absent where the list's name does not say it. */
  readonly architecture?: string
  /** As the list writes them. */
  readonly paths: readonly string[]
}

/**
 * Reads which package owns what from the lists alone, for a part of an image that may have no `status`: `info/*.list`, and
 * `status.d/` with its sums. In the order of the lists' paths; a paragraph of `status.d/` that is no package is left out. Throws
 * `DPKG_DATABASE_INVALID` for a file that is too large.
 */
export function readPackageLists(files: DatabaseFiles): readonly PackageList[] {
  const ofInfo = [...files.paths()].sort().flatMap((path): PackageList[] => {
    const [, name, architecture] = /^\/var\/lib\/dpkg\/info\/([^/:]+)(?::([^/:]+))?\.list$/.exec(path) ?? []
    if (name === undefined) return []
    return [{ name, ...(architecture && { architecture }), paths: linesOf(files.read(path), path) }]
  })
  const ofStatus = statusFiles(files).flatMap((path): PackageList[] => {
    try {
      const one = readInstalled(textOf(files.read(path), path), path, () => sumsIn(files, path))
      return one === undefined ? [] : [{ name: one.name, architecture: one.architecture, paths: one.paths }]
    } catch (error) {
      if (error instanceof DebianError && error.code !== 'DPKG_DATABASE_INVALID') return []
      throw error
    }
  })
  return [...ofInfo, ...ofStatus]
}

function readInstalled(
  text: string,
  origin: string,
  listed: (name: string, architecture: string) => readonly string[],
): InstalledPackage | undefined {
  const stanza = parseStanza(text, origin)
  const status = stanza.get('status')
  if (status !== undefined && !/ installed$/.test(status)) return undefined
  const binary = parseBinaryPackage(stanza)
  return {
    ...binary,
    maintainer: stanza.get('maintainer') ?? '',
    homepage: stanza.get('homepage') ?? '',
    paths: listed(binary.name, binary.architecture),
  }
}

function paragraphsOf(status: Uint8Array | undefined): readonly string[] {
  const paragraphs = splitParagraphs(textOf(status, STATUS, MAX_STATUS))
  if (paragraphs.length <= MAX_PARAGRAPHS) return paragraphs
  throw invalid(`it has over ${MAX_PARAGRAPHS} paragraphs`)
}

function statusFiles(files: DatabaseFiles): readonly string[] {
  return [...files.paths()].filter((path) => path.startsWith(STATUS_FOLDER) && !path.endsWith('.md5sums')).sort()
}

/** The paths of an md5sums file, which leaves out the leading slash and all that is no file. */
function sumsIn(files: DatabaseFiles, statusPath: string): readonly string[] {
  const path = `${statusPath}.md5sums`
  return linesOf(files.read(path), path).flatMap((line) => {
    const listed = /^[0-9a-f]{32} [ *](.+)$/.exec(line)?.[1]
    return listed === undefined ? [] : [`/${listed.replace(/^\.?\//, '')}`]
  })
}

function linesOf(bytes: Uint8Array | undefined, what: string): readonly string[] {
  return textOf(bytes, what)
    .split('\n')
    .filter((line) => line !== '')
}

function textOf(bytes: Uint8Array | undefined, what: string, most = MAX_FILE): string {
  const { length } = bytes ?? []
  if (length > most) throw invalid(`${what} has ${length} bytes, more than ${most}`)
  return Buffer.from(bytes ?? []).toString('utf8')
}

function invalid(reason: string): DebianError {
  return new DebianError('DPKG_DATABASE_INVALID', `cannot read the image's dpkg database: ${reason}`)
}
