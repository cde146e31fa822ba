import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { hasSystemCode } from '#core'
import {
  algorithmOf,
  type ContentDigest,
  DIGEST_ALGORITHMS,
  type DigestAlgorithm,
  readContentDigest,
} from '../../registry/content-digest.ts'
import { SharedRun } from '../../shared-run.ts'
import { storeError, syncFolder } from './disk.ts'
import { digestOfFile } from './file-digest.ts'

const ALGORITHMS = Object.keys(DIGEST_ALGORITHMS) as DigestAlgorithm[]

/** Contents as files `blobs/ALGORITHM/HEX`, as in an image layout. What has such a name is whole. */
export class ContentFiles {
  readonly #root: string
  readonly #syncs: Readonly<Record<DigestAlgorithm, SharedRun>>

  private constructor(root: string) {
    this.#root = root
    const syncOf = (algorithm: DigestAlgorithm) => new SharedRun(() => syncFolder(join(root, 'blobs', algorithm)))
    this.#syncs = { sha256: syncOf('sha256'), sha512: syncOf('sha512') }
  }

  static async open(root: string): Promise<ContentFiles> {
    for (const folder of [...ALGORITHMS.map((algorithm) => join('blobs', algorithm)), 'quarantine']) {
      await mkdir(join(root, folder), { recursive: true, mode: 0o700 })
    }
    await syncFolder(join(root, 'blobs'))
    return new ContentFiles(root)
  }

  pathOf(digest: ContentDigest): string {
    const algorithm = algorithmOf(digest)
    return join(this.#root, 'blobs', algorithm, digest.slice(algorithm.length + 1))
  }

  /** Gives a file that is already durable its name, durably. Many that come together share the folder's sync. */
  async publish(temporary: string, digest: ContentDigest): Promise<void> {
    try {
      await rename(temporary, this.pathOf(digest))
      await this.#syncs[algorithmOf(digest)].request()
    } catch (cause) {
      throw storeError(cause, `store ${digest}`)
    }
  }

  /** Stores bytes without making the name durable; `sync` does that for many. */
  async write(digest: ContentDigest, bytes: Uint8Array): Promise<void> {
    const temporary = join(this.#root, 'uploads', `content-${digest.replace(':', '-')}`)
    try {
      const file = await open(temporary, 'w', 0o600)
      try {
        await file.writeFile(bytes)
        await file.datasync()
      } finally {
        await file.close()
      }
      await rename(temporary, this.pathOf(digest))
    } catch (cause) {
      await rm(temporary, { force: true }).catch(() => undefined)
      throw storeError(cause, `store ${digest}`)
    }
  }

  async sync(): Promise<void> {
    await Promise.all(ALGORITHMS.map((algorithm) => this.#syncs[algorithm].request()))
  }

  /** Opens a content for reading, or gives `undefined` when it has no file or one of another size. */
  async open(digest: ContentDigest, size: number): Promise<FileHandle | undefined> {
    let file: FileHandle
    try {
      file = await open(this.pathOf(digest), 'r')
    } catch (cause) {
      if (hasSystemCode(cause, 'ENOENT')) return undefined
      throw storeError(cause, `open ${digest}`)
    }
    try {
      if ((await file.stat()).size === size) return file
    } catch (cause) {
      await file.close()
      throw storeError(cause, `open ${digest}`)
    }
    await file.close()
    return undefined
  }

  /** Whether a content has a file of that size: a look at the file system, and no handle. */
  async has(digest: ContentDigest, size: number): Promise<boolean> {
    try {
      return (await stat(this.pathOf(digest))).size === size
    } catch (cause) {
      if (hasSystemCode(cause, 'ENOENT')) return false
      throw storeError(cause, `look for ${digest}`)
    }
  }

  /** Whether a content's file has exactly the bytes of its digest. Rejects with `STORE_FAILED` when it cannot be read. */
  async verify(digest: ContentDigest): Promise<boolean> {
    try {
      return (await digestOfFile(this.pathOf(digest), algorithmOf(digest))) === digest
    } catch (cause) {
      if (hasSystemCode(cause, 'ENOENT')) return false
      throw storeError(cause, `read ${digest}`)
    }
  }

  async remove(digest: ContentDigest): Promise<void> {
    await rm(this.pathOf(digest), { force: true })
  }

  /** Puts a damaged file aside, for people to look at. Gives where, or `undefined` when there was none. */
  async quarantine(digest: ContentDigest, time: number): Promise<string | undefined> {
    const place = join(this.#root, 'quarantine', `${digest.replace(':', '-')}.${time}`)
    try {
      await rename(this.pathOf(digest), place)
      return place
    } catch (cause) {
      if (hasSystemCode(cause, 'ENOENT')) return undefined
      throw storeError(cause, `put ${digest} aside`)
    }
  }

  /** Every digest that has a file. */
  async list(): Promise<ContentDigest[]> {
    const folders = ALGORITHMS.map(async (algorithm) => {
      const names = await readdir(join(this.#root, 'blobs', algorithm))
      return names.flatMap((name) => readContentDigest(`${algorithm}:${name}`) ?? [])
    })
    return (await Promise.all(folders)).flat()
  }
}
