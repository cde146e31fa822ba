import type { ContentSink } from '#core'
import { type FileReading, NOTHING, unreadable } from './found-package.ts'
import { isGemSpecification, readGemSpecification } from './gem-specification.ts'
import { GoBuildInfoReader, readGoProgram } from './go-build-info.ts'
import { isJavaArchive, readJavaArchive } from './java-archive.ts'
import { isNpmPackage, readNpmPackage } from './npm-package.ts'
import { isPythonMetadata, isPythonRecord, readPythonMetadata, readPythonRecord } from './python-package.ts'

/** A regular file of an image that is being read. */
export interface ScannedFile {
  readonly path: string
  /** Bytes. */
  readonly size: number
  readonly mode: number
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
export class ApplicationReader {
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

  /** What was read in a file, or in the file that it is another name of: what that says, it says of this one. */
  readingOf({ path, contentPath }: { readonly path: string; readonly contentPath: string }): FileReading {
    if (path === contentPath) return this.#readings.get(path) ?? NOTHING
    const kind = KINDS.find((one) => one.isOne(path))
    if (kind !== undefined && !kind.isOne(contentPath)) {
      return unreadable(path, `it is another name of ${contentPath}, which was not looked into`)
    }
    const { packages, faults } = this.#readings.get(contentPath) ?? NOTHING
    const renamed = packages.map((one) => ({ ...one, path: path + one.path.slice(contentPath.length) }))
    return { packages: renamed, faults }
  }

  /** The paths that a list of installed files names. */
  recordedIn(path: string): readonly string[] {
    return this.#recorded.get(path) ?? []
  }

  #keep(path: string, reading: FileReading): void {
    if (reading.packages.length + reading.faults.length > 0) this.#readings.set(path, reading)
    else this.#readings.delete(path)
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
