import { closeSync, fstatSync, openSync, readSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestOf, hasSystemCode, hexOf } from '#core'
import { DebianError } from '../errors.ts'
import { compilePackagesIndex } from '../packages-compiler.ts'
import { type IndexFile, openPackagesIndex, type PackagesIndex } from '../packages-index.ts'
import type { Release, ReleaseFile } from '../release.ts'
import { decompressFile } from './decompress.ts'
import { type ObjectCache, writeWhole } from './object-cache.ts'

/** One `Packages` index of a suite, in the compressed form that will be fetched. */
export interface IndexEntry {
  /** What is fetched: xz before gzip before plain text. */
  readonly file: ReleaseFile
  /** The text itself, where the Release file lists it too. */
  readonly plain?: ReleaseFile
}

/** The text of trixie's largest index is 57 MB. */
const TEXT_LIMIT = 1 << 30

/** Finds an index of that path, without its extension, in a Release file; `undefined` when none is listed. */
export function findIndex(release: Release, path: string): IndexEntry | undefined {
  const plain = release.files.get(path)
  const file = release.files.get(`${path}.xz`) ?? release.files.get(`${path}.gz`) ?? plain
  if (file === undefined) return undefined
  return plain === undefined ? { file } : { file, plain }
}

/** An index that is open; close it when the universe over it is done with. */
export interface OpenIndex {
  readonly index: PackagesIndex
  close(): void
}

/** Keeps indexes in compiled form in the cache, by the SHA-256 of their text. */
export class IndexReader {
  readonly #cache: ObjectCache

  constructor(cache: ObjectCache) {
    this.#cache = cache
  }

  /** Opens the compiled index, or gives `undefined` when the cache has none that is whole. */
  open({ file, plain }: IndexEntry): OpenIndex | undefined {
    const path = this.#path((plain ?? file).digest)
    const opened = openIndexFile(path)
    if (opened === undefined) return undefined
    const index = openPackagesIndex(opened.file)
    if (index !== undefined) return { index, close: opened.close }
    opened.close()
    rmSync(path, { force: true })
    return undefined
  }

  /** Compiles a fetched index and opens it. Throws `INDEX_INVALID`; `CACHE_FAILED` when the disk fails. */
  async compile(entry: IndexEntry, fetched: string, origin: string): Promise<OpenIndex> {
    const { file, plain } = entry
    const limit = plain?.size ?? TEXT_LIMIT
    if (limit > TEXT_LIMIT) {
      throw new DebianError('INDEX_INVALID', `cannot compile index ${origin}: its text of ${limit} bytes is over 1 GiB`)
    }
    const index = { name: file.path, limit }
    const text = file === plain ? await readFile(fetched) : await decompressFile(fetched, index, plain?.size)
    if (plain !== undefined && digestOf(text) !== plain.digest) {
      throw new DebianError(
        'INDEX_INVALID',
        `cannot compile index ${origin}: its text has not the digest ${plain.digest}`,
      )
    }
    const { header, tables } = compilePackagesIndex(text, origin)
    await writeWhole(this.#path((plain ?? file).digest), [header, text, tables])
    const opened = this.open(entry)
    if (opened === undefined) throw new DebianError('CACHE_FAILED', `cannot read index ${origin} just written`)
    return opened
  }

  #path(digest: Digest): string {
    const hex = hexOf(digest)
    return join(this.#cache.folder, 'indexes', hex.slice(0, 2), hex)
  }
}

function openIndexFile(path: string): { file: IndexFile; close(): void } | undefined {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return undefined
    throw error
  }
  const file: IndexFile = {
    path,
    size: fstatSync(descriptor).size,
    read(offset, length) {
      // Not from Node's pool: the tables are viewed as 32-bit words, which must start at a multiple of 4.
      const bytes = Buffer.allocUnsafeSlow(length)
      let filled = 0
      while (filled < length) {
        const count = readSync(descriptor, bytes, filled, length - filled, offset + filled)
        if (count === 0) break
        filled += count
      }
      return bytes.subarray(0, filled)
    },
    discard: () => rmSync(path, { force: true }),
  }
  return { file, close: () => closeSync(descriptor) }
}
