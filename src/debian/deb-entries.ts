import { CoreError, isWhiteoutPath, normalizeArchivePath, type TarHeader } from '#core'
import { DebianError } from './errors.ts'

/** What a package may put into an image. */
export type DebEntryType = 'file' | 'directory' | 'symlink' | 'hardlink'

/** One path that a package ships. */
export interface DebEntry extends Omit<TarHeader, 'type' | 'deviceMajor' | 'deviceMinor'> {
  /** Absolute and normalised, not yet merged into /usr: `/bin/sh`; `/` for the root directory. */
  readonly path: string
  readonly type: DebEntryType
  /** A symbolic link's text, untouched; of a hard link, the path of the file that it names, which came earlier. */
  readonly linkPath: string
}

/**
 * Takes the entries of one package's data.tar in order and holds them to what a package may ship: every path once and
 * inside the root, nothing below a link or a file, hard links only to files that came earlier, no device, fifo or name
 * that would be a whiteout in a layer.
 */
export class DebEntries {
  readonly #name: string
  readonly #types = new Map<string, DebEntryType>()
  /** Every path that something lies below. */
  readonly #parents = new Set<string>(['/'])
  readonly #hardlinks = new Map<string, string>()

  constructor(name: string) {
    this.#name = name
  }

  /** Gives the entry of a header. Throws `DEB_REFUSED`. */
  take(header: TarHeader): DebEntry {
    const { type, deviceMajor: _major, deviceMinor: _minor, ...rest } = header
    const path = this.#normalize(header.path)
    if (type === 'character-device' || type === 'block-device' || type === 'fifo')
      throw this.#refused(path, `is a ${type}`)
    if (isWhiteoutPath(path)) throw this.#refused(path, 'would delete files when it stands in a layer')
    if (this.#types.has(path)) throw this.#refused(path, 'comes twice')
    if (type !== 'directory' && this.#parents.has(path))
      throw this.#refused(path, `is a ${type}, and other paths lie below it`)
    this.#takeParents(path)
    const linkPath = type === 'hardlink' ? this.#linked(path, header.linkPath) : header.linkPath
    this.#types.set(path, type)
    return { ...rest, path, type, linkPath }
  }

  #takeParents(path: string): void {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const parent = path.slice(0, slash)
      if (this.#parents.has(parent)) return
      const type = this.#types.get(parent) ?? 'directory'
      if (type !== 'directory') throw this.#refused(path, `lies below "${parent}", which is a ${type}`)
      this.#parents.add(parent)
    }
  }

  /** The file that a hard link names in the end. */
  #linked(path: string, linkPath: string): string {
    const target = this.#normalize(linkPath)
    const file = this.#hardlinks.get(target) ?? target
    if (this.#types.get(file) !== 'file')
      throw this.#refused(path, `is a hard link to "${target}", which is no earlier file`)
    this.#hardlinks.set(path, file)
    return file
  }

  #normalize(path: string): string {
    try {
      return normalizeArchivePath(path)
    } catch (error) {
      if (!(error instanceof CoreError)) throw error
      throw new DebianError('DEB_REFUSED', `cannot read package ${this.#name}: ${error.message}`, { cause: error })
    }
  }

  #refused(path: string, reason: string): DebianError {
    return new DebianError('DEB_REFUSED', `cannot read package ${this.#name}: path "${path}" ${reason}`)
  }
}
