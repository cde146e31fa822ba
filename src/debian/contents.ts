import { DebianError } from './errors.ts'

/** A path that a package of an archive has, as its `Contents` index says. */
export interface FileMatch {
  /** Absolute. */
  readonly path: string
  /** Names of the packages that have it. */
  readonly packages: readonly string[]
}

/**
 * Searches a `Contents` index as its text comes, in pieces of any size. What is sought is a path from its start when
 * it begins with `/`, else the last components of one: `bin/python3` finds `/usr/bin/python3`. Matching is of whole
 * components.
 */
export class ContentsSearch {
  readonly matches: FileMatch[] = []
  readonly #wanted: string
  readonly #absolute: boolean
  #rest: Buffer = Buffer.alloc(0)

  constructor(wanted: string) {
    this.#absolute = wanted.startsWith('/')
    this.#wanted = wanted.replace(/^\/+/, '')
  }

  /** Takes the next bytes of the text. Throws `INDEX_INVALID` for a line over 1 MiB. */
  push(chunk: Uint8Array): void {
    const text = Buffer.concat([this.#rest, chunk])
    const end = text.lastIndexOf(NEWLINE) + 1
    this.#search(text.subarray(0, end))
    this.#rest = text.subarray(end)
    if (this.#rest.length > LINE_LIMIT) {
      throw new DebianError('INDEX_INVALID', 'cannot search an index of files: it has a line of more than 1 MiB')
    }
  }

  /** Takes the end of the text. */
  end(): void {
    this.#search(this.#rest)
  }

  /** Lines are looked at only where the wanted text occurs: the indexes are hundreds of megabytes. */
  #search(text: Buffer): void {
    for (let from = 0; from < text.length && this.#wanted !== ''; ) {
      const hit = text.indexOf(this.#wanted, from)
      if (hit < 0) return
      const start = text.lastIndexOf(NEWLINE, hit) + 1
      const newline = text.indexOf(NEWLINE, hit)
      const end = newline < 0 ? text.length : newline
      this.#take(text.toString('utf8', start, end))
      from = end + 1
    }
  }

  #take(line: string): void {
    const [, path, places] = /^(.*?)\s+(\S+)$/.exec(line) ?? []
    if (path === undefined || places === undefined) return
    if (path !== this.#wanted && (this.#absolute || !path.endsWith(`/${this.#wanted}`))) return
    const packages = places.split(',').map((place) => place.slice(place.lastIndexOf('/') + 1))
    this.matches.push({ path: `/${path}`, packages })
  }
}

const NEWLINE = 10
const LINE_LIMIT = 1 << 20
