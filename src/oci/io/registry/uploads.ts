import { randomUUID } from 'node:crypto'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isRepository } from '../../reference.ts'
import { Refusal } from '../../registry/refusal.ts'
import type { RegistryStore } from './store.ts'
import { Upload, type UploadOrigin } from './upload.ts'

/** How many uploads there may be, and how long one may rest, in milliseconds. */
export interface UploadLimits {
  readonly uploads: number
  readonly uploadsOfClient: number
  readonly uploadIdle: number
}

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** What all uploads together may hold in memory; what is more goes to files. */
const MEMORY = 128 * 1024 * 1024

/** The uploads that are under way, those of an earlier process included. */
export class Uploads {
  readonly #folder: string
  readonly #limits: UploadLimits
  readonly #now: () => number
  readonly #uploads = new Map<string, Upload>()
  readonly #countOfOwner = new Map<string, number>()

  private constructor(folder: string, limits: UploadLimits, now: () => number) {
    this.#folder = folder
    this.#limits = limits
    this.#now = now
  }

  static async open(store: RegistryStore, limits: UploadLimits): Promise<Uploads> {
    const folder = join(store.root, 'uploads')
    const uploads = new Uploads(folder, limits, () => store.now())
    const names = new Set(await readdir(folder))
    for (const name of names) {
      const origin =
        ID.test(name) && names.has(`${name}.json`) ? await readOrigin(join(folder, `${name}.json`)) : undefined
      if (origin !== undefined) {
        const { size, mtimeMs } = await stat(join(folder, name))
        uploads.#add(Upload.resumed(folder, name, origin, { size, touched: mtimeMs }))
      } else if (!names.has(name.replace(/\.json$/, '')) || ID.test(name)) {
        await rm(join(folder, name), { force: true })
      }
    }
    return uploads
  }

  get count(): number {
    return this.#uploads.size
  }

  /** Begins an upload. Throws a `Refusal` of `TOOMANYREQUESTS` when there are too many. */
  begin(origin: UploadOrigin): Upload {
    const ofClient = this.#countOfOwner.get(origin.owner) ?? 0
    if (ofClient >= this.#limits.uploadsOfClient || this.#uploads.size >= this.#limits.uploads) {
      const words = `cannot begin an upload: ${ofClient} of this client are under way, ${this.#uploads.size} of all`
      throw new Refusal('TOOMANYREQUESTS', words, { headers: { 'retry-after': '60' } })
    }
    const upload = new Upload(this.#folder, randomUUID(), origin, this.#now())
    this.#add(upload)
    return upload
  }

  /** Gives an upload of a repository. Throws a `Refusal` of `BLOB_UPLOAD_UNKNOWN` for any other. */
  find(repository: string, id: string): Upload {
    const upload = this.#uploads.get(id)
    if (upload?.origin.repository !== repository) {
      throw new Refusal('BLOB_UPLOAD_UNKNOWN', `${repository} has no such upload; it may have expired`)
    }
    upload.touched = this.#now()
    return upload
  }

  /** Ends an upload, whatever became of it. */
  async end(upload: Upload): Promise<void> {
    if (this.#uploads.delete(upload.id)) {
      const { owner } = upload.origin
      const left = (this.#countOfOwner.get(owner) ?? 1) - 1
      if (left === 0) this.#countOfOwner.delete(owner)
      else this.#countOfOwner.set(owner, left)
    }
    await upload.discard()
  }

  /** Sees to it that uploads do not fill the memory: this one goes to its file when all together hold too much. */
  async relieve(upload: Upload): Promise<void> {
    let held = 0
    for (const { memorySize } of this.#uploads.values()) held += memorySize
    if (held > MEMORY) await upload.flush()
  }

  /** Ends the uploads that nobody has touched for too long; gives how many. */
  async expire(): Promise<number> {
    const cutoff = this.#now() - this.#limits.uploadIdle
    const expired = [...this.#uploads.values()].filter(({ busy, touched }) => !busy && touched < cutoff)
    for (const upload of expired) await this.end(upload)
    return expired.length
  }

  /** Leaves to the next process what is in files. */
  async close(): Promise<void> {
    for (const upload of this.#uploads.values()) await upload.pause()
    this.#uploads.clear()
  }

  #add(upload: Upload): void {
    this.#uploads.set(upload.id, upload)
    const { owner } = upload.origin
    this.#countOfOwner.set(owner, (this.#countOfOwner.get(owner) ?? 0) + 1)
  }
}

/** Gives `undefined` for a file that was not written to its end. */
async function readOrigin(path: string): Promise<UploadOrigin | undefined> {
  try {
    const { repository, owner }: { repository?: unknown; owner?: unknown } = JSON.parse(await readFile(path, 'utf8'))
    if (typeof repository !== 'string' || typeof owner !== 'string' || !isRepository(repository)) return undefined
    // What an earlier process left must not keep its client from beginning anew.
    return { repository, owner: `${owner} before a restart` }
  } catch {
    return undefined
  }
}
