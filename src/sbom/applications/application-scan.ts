import { type ContentSink, type Digest, messageOf } from '#core'
import type { ApplicationComponent } from '../inventory.ts'
import { applicationPurl } from './application-purl.ts'
import { type FileReading, NOTHING, unreadable } from './found-package.ts'
import { gemKeyOf, isGemSpecification, readGemSpecification } from './gem-specification.ts'
import { GoBuildInfoReader, readGoProgram } from './go-build-info.ts'
import { isJavaArchive, readJavaArchive } from './java-archive.ts'
import { isNpmPackage, readNpmPackage } from './npm-package.ts'
import {
  isPythonMetadata,
  isPythonRecord,
  readPythonMetadata,
  readPythonRecord,
  sourceOfByteCode,
} from './python-package.ts'

/** A regular file of an image that is being read. */
export interface ScannedFile {
  readonly path: string
  /** Bytes. */
  readonly size: number
  readonly mode: number
}

/** A regular file that no Debian package owns. */
export interface UnownedFile {
  readonly path: string
  /** The path under which its bytes stand in the layer: its own, but for a hard link. */
  readonly contentPath: string
  /** The diff ID of its layer. */
  readonly layer: Digest | undefined
}

/** What an image holds beside Debian packages. */
export interface ApplicationContent {
  /** By purl, then path; each pair once. */
  readonly applications: readonly ApplicationComponent[]
  /** Of the files that were handed in, those that belong to the packages found, each with the path that its package was found by. */
  readonly explained: ReadonlyMap<string, string>
  /** By path. */
  readonly faults: readonly string[]
}

/** What was read in files, whoever owns them: enough to go on with it another time. */
export interface ApplicationReadings {
  readonly readings: readonly (readonly [path: string, reading: FileReading])[]
  /** Lists of installed files, by the list's path. */
  readonly recorded: readonly (readonly [path: string, paths: readonly string[]])[]
}

/** A kind of file whose whole content is read at once. */
interface FileKind {
  isOne(path: string): boolean
  read(bytes: Uint8Array, path: string): FileReading
  /** Bytes. */
  readonly largest: number
}

const KINDS: readonly FileKind[] = [
  { isOne: isNpmPackage, read: readNpmPackage, largest: 2 ** 22 },
  { isOne: isPythonMetadata, read: readPythonMetadata, largest: 2 ** 23 },
  { isOne: isGemSpecification, read: readGemSpecification, largest: 2 ** 22 },
  { isOne: isJavaArchive, read: readJavaArchive, largest: 2 ** 29 },
]
const LARGEST_RECORD = 2 ** 25
/** Paths that lists of installed files may have together. */
const MOST_RECORDED = 4_000_000

/**
 * Looks into files while an image is read, whoever owns them: that is known only when all of it was. Holds one file at a
 * time, of the largest kind at most 512 MiB, and of programs no more than their build info.
 */
export class ApplicationScan {
  readonly #readings = new Map<string, FileReading>()
  readonly #recorded = new Map<string, readonly string[]>()
  #room = MOST_RECORDED

  /** What is to be done with a file's bytes; `undefined` for one that nothing is looked for in. */
  sink(file: ScannedFile): ContentSink | undefined {
    const { path, size, mode } = file
    const kind = KINDS.find((one) => one.isOne(path))
    if (kind !== undefined && size > kind.largest) {
      this.#readings.set(path, unreadable(path, `it has ${size} bytes, more than ${kind.largest}`))
      return undefined
    }
    if (kind !== undefined) return whole(size, (bytes) => this.#keep(path, kind.read(bytes, path)))
    if (isPythonRecord(path)) return this.#recordSink(file)
    if ((mode & 0o111) === 0 && !/\.so(?:\.|$)/.test(path)) return undefined
    const reader = new GoBuildInfoReader()
    return { write: (chunk) => reader.push(chunk), end: () => this.#keep(path, readGoProgram(reader, path)) }
  }

  /** Everything that was read so far. */
  get readings(): ApplicationReadings {
    return { readings: [...this.#readings], recorded: [...this.#recorded] }
  }

  /** Takes over what another scan has read in files of which this is true. */
  take({ readings, recorded }: ApplicationReadings, isTaken: (path: string) => boolean): void {
    for (const [path, reading] of readings) if (isTaken(path)) this.#readings.set(path, reading)
    for (const [path, paths] of recorded) if (isTaken(path)) this.#record(path, paths)
  }

  /** What was found in files that no Debian package owns. */
  finish(unowned: readonly UnownedFile[]): ApplicationContent {
    const found = new Map<string, ApplicationComponent>()
    const explained = new ExplainedFiles()
    const faults: string[] = []
    for (const file of unowned) {
      const { packages, faults: own } = this.#readingOf(file)
      faults.push(...own)
      for (const { platform, ...one } of packages) {
        try {
          const component = {
            ...one,
            purl: applicationPurl({ ...one, ...(platform && { platform }) }),
            layer: file.layer,
          }
          found.set(`${component.purl}\0${component.path}`, component)
        } catch (error) {
          faults.push(`cannot name the package of ${one.path}: ${messageOf(error)}`)
        }
      }
      // An archive that only others in it name holds more than they do.
      if (packages.some(({ path }) => path === file.path)) explained.addPackage(file.path)
    }
    for (const { path } of unowned) explained.addRecorded(path, this.#recorded.get(path) ?? [])
    return {
      applications: [...found].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, component]) => component),
      explained: explained.among(unowned.map(({ path }) => path)),
      faults: faults.sort(),
    }
  }

  #keep(path: string, reading: FileReading): void {
    if (reading.packages.length + reading.faults.length > 0) this.#readings.set(path, reading)
    else this.#readings.delete(path)
  }

  /** A hard link's bytes were read under another name; what they say, they say of this one. */
  #readingOf({ path, contentPath }: UnownedFile): FileReading {
    if (path === contentPath) return this.#readings.get(path) ?? NOTHING
    const kind = KINDS.find((one) => one.isOne(path))
    if (kind !== undefined && !kind.isOne(contentPath)) {
      return unreadable(path, `it is another name of ${contentPath}, which was not looked into`)
    }
    const { packages, faults } = this.#readings.get(contentPath) ?? NOTHING
    const renamed = packages.map((one) => ({ ...one, path: path + one.path.slice(contentPath.length) }))
    return { packages: renamed, faults }
  }

  #recordSink({ path, size }: ScannedFile): ContentSink | undefined {
    if (size > LARGEST_RECORD) {
      this.#readings.set(path, unreadable(path, `it has ${size} bytes, more than ${LARGEST_RECORD}`))
      return undefined
    }
    return whole(size, (bytes) => this.#record(path, readPythonRecord(bytes, path)))
  }

  #record(path: string, paths: readonly string[]): void {
    this.#room -= paths.length
    if (this.#room >= 0) this.#recorded.set(path, paths)
    else this.#readings.set(path, unreadable(path, `lists of installed files have over ${MOST_RECORDED} lines`))
  }
}

function whole(size: number, read: (bytes: Uint8Array) => void): ContentSink {
  const bytes = Buffer.allocUnsafeSlow(size)
  let filled = 0
  return {
    write: (chunk) => {
      bytes.set(chunk, filled)
      filled += chunk.length
    },
    end: () => read(bytes),
  }
}

/** Which files the packages that were found account for: what tells files apart, and the path that the package was found by. */
class ExplainedFiles {
  readonly #files = new Map<string, string>()
  readonly #folders = new Map<string, string>()
  readonly #gems = new Map<string, string>()

  addPackage(path: string): void {
    this.#files.set(path, path)
    const folder = path.slice(0, path.lastIndexOf('/'))
    if (isNpmPackage(path)) {
      this.#folders.set(folder, path)
      this.#addFile(`${folder.replace(/(\/node_modules)\/(?:@[^/]+\/)?[^/]+$/, '$1')}/.package-lock.json`, path)
    } else if (isGemSpecification(path)) this.#gems.set(gemKeyOf(path) ?? '', path)
    else if (path.endsWith('/EGG-INFO/PKG-INFO')) this.#folders.set(folder.slice(0, folder.lastIndexOf('/')), path)
    else if (isPythonMetadata(path) && !path.endsWith('.egg-info')) this.#folders.set(folder, path)
  }

  /** A list of installed files counts where its distribution was found beside it. */
  addRecorded(path: string, recorded: readonly string[]): void {
    const by = this.#folders.get(path.slice(0, path.lastIndexOf('/')))
    if (by !== undefined) for (const one of recorded) this.#addFile(one, by)
  }

  among(paths: readonly string[]): ReadonlyMap<string, string> {
    const packageOf = (path: string) =>
      this.#files.get(path) ?? this.#gems.get(gemKeyOf(path) ?? '') ?? this.#packageOfFolder(path)
    return new Map(
      paths.flatMap((path): [string, string][] => {
        const by = packageOf(path) ?? packageOf(sourceOfByteCode(path) ?? path)
        return by === undefined ? [] : [[path, by]]
      }),
    )
  }

  /** What several packages list is the first one's. */
  #addFile(path: string, by: string): void {
    if (!this.#files.has(path)) this.#files.set(path, by)
  }

  /** A package's folder ends at the next `node_modules`: what lies there says itself what it is. */
  #packageOfFolder(path: string): string | undefined {
    for (let folder = path; ; ) {
      folder = folder.slice(0, folder.lastIndexOf('/'))
      const by = this.#folders.get(folder)
      if (by !== undefined) return by
      if (folder === '' || folder.endsWith('/node_modules')) return undefined
    }
  }
}
