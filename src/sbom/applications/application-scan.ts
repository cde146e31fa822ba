import { type Digest, messageOf } from '#core'
import type { ApplicationComponent } from '../inventory.ts'
import { applicationPurl } from './application-purl.ts'
import { ApplicationReader } from './application-reader.ts'
import { gemKeyOf, isGemSpecification } from './gem-specification.ts'
import { isNpmPackage } from './npm-package.ts'
import { isPythonMetadata, sourceOfByteCode } from './python-package.ts'

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

/** Looks into the files of an image, and knows what was found once it is known whose they are. */
export class ApplicationScan extends ApplicationReader {
  /** What was found in files that no Debian package owns. */
  finish(unowned: readonly UnownedFile[]): ApplicationContent {
    const found = new Map<string, ApplicationComponent>()
    const explained = new ExplainedFiles()
    const faults: string[] = []
    for (const file of unowned) {
      const { packages, faults: own } = this.readingOf(file)
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
    for (const { path } of unowned) explained.addRecorded(path, this.recordedIn(path))
    return {
      applications: [...found].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, component]) => component),
      explained: explained.among(unowned.map(({ path }) => path)),
      faults: faults.sort(),
    }
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
