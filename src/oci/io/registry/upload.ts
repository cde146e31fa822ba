import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { algorithmOf, type ContentDigest, contentDigestOf, finishDigest } from '../../registry/content-digest.ts'
import { Refusal } from '../../registry/refusal.ts'
import { storeError } from './disk.ts'
import { digestOfFile } from './file-digest.ts'
import { INLINE_LIMIT, type RegistryStore } from './store.ts'

const WRITE_SIZE = 1024 * 1024

/** Who began an upload, and where it goes. */
export interface UploadOrigin {
  readonly repository: string
  /** A user's name, or the address of somebody unknown: whose limit it counts for. */
  readonly owner: string
}

/** A blob on its way in: hashed while it comes, in memory while it is small, then in a file. */
export class Upload {
  readonly id: string
  readonly origin: UploadOrigin
  /** When it was last written to or asked for, in milliseconds. */
  touched: number
  /** Whether a request is writing to it. */
  busy = false
  readonly #folder: string
  #size = 0
  #memory: Uint8Array[] = []
  #memorySize = 0
  #file: FileHandle | undefined
  #inFile = false
  /** `undefined` when what is in the file was not seen by this process. */
  #hash: Hash | undefined = createHash('sha256')

  constructor(folder: string, id: string, origin: UploadOrigin, touched: number) {
    this.#folder = folder
    this.id = id
    this.origin = origin
    this.touched = touched
  }

  /** An upload that an earlier process had begun: so many bytes of it are in its file. */
  static resumed(folder: string, id: string, origin: UploadOrigin, state: { size: number; touched: number }): Upload {
    const upload = new Upload(folder, id, origin, state.touched)
    upload.#size = state.size
    upload.#inFile = true
    upload.#hash = undefined
    return upload
  }

  /** Bytes that have come so far. */
  get size(): number {
    return this.#size
  }

  /** Bytes that are held in memory. */
  get memorySize(): number {
    return this.#memorySize
  }

  /** Takes the next bytes. Rejects with `STORE_FULL` or `STORE_FAILED`; then the upload cannot go on. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#hash?.update(chunk)
    this.#size += chunk.length
    // A chunk is a slice of a bigger buffer of the socket's, which a small one that waits would keep alive.
    this.#memory.push(this.#inFile ? chunk : Buffer.from(chunk))
    this.#memorySize += chunk.length
    if (this.#memorySize > (this.#inFile ? WRITE_SIZE : INLINE_LIMIT)) await this.flush()
  }

  /** Writes what is in memory to the file, which is made when it is not there. */
  async flush(): Promise<void> {
    try {
      if (!this.#inFile) {
        await writeFile(`${this.#path}.json`, JSON.stringify(this.origin), { mode: 0o600 })
        this.#inFile = true
      }
      this.#file ??= await open(this.#path, 'a', 0o600)
      const parts = this.#memory
      const size = this.#memorySize
      this.#memory = []
      this.#memorySize = 0
      const { bytesWritten } = await this.#file.writev(parts)
      if (bytesWritten !== size) await this.#file.writeFile(Buffer.concat(parts).subarray(bytesWritten))
    } catch (cause) {
      throw storeError(cause, `write upload ${this.id}`)
    }
  }

  /** What is in the file is written when a request ends, so that the next process would find it, and the file closed. */
  async pause(): Promise<void> {
    if (this.#inFile && this.#memorySize > 0) await this.flush()
    await this.#file?.close()
    this.#file = undefined
  }

  /**
   * Ends the upload: the blob is in the repository, durably. Rejects with a `Refusal` of `DIGEST_INVALID` when the bytes
   * have another digest; then nothing is stored. Either way the upload is over.
   */
  async finish(store: RegistryStore, digest: ContentDigest): Promise<void> {
    const found = await this.#digest(digest)
    if (found !== digest) {
      throw new Refusal('DIGEST_INVALID', `cannot store the blob: its digest is ${found}, not ${digest}`)
    }
    const { repository } = this.origin
    if (!this.#inFile) return await store.putBlob(repository, digest, Buffer.concat(this.#memory))
    try {
      this.#file ??= await open(this.#path, 'a')
      await this.#file.datasync()
      await this.#file.close()
      this.#file = undefined
    } catch (cause) {
      throw storeError(cause, `make upload ${this.id} durable`)
    }
    await store.putBlobFile({ repository, digest, size: this.#size }, this.#path)
  }

  /** Removes all traces. */
  async discard(): Promise<void> {
    this.#memory = []
    this.#memorySize = 0
    await this.#file?.close().catch(() => undefined)
    this.#file = undefined
    if (!this.#inFile) return
    await rm(this.#path, { force: true })
    await rm(`${this.#path}.json`, { force: true })
  }

  async #digest(wanted: ContentDigest): Promise<ContentDigest> {
    const algorithm = algorithmOf(wanted)
    if (this.#inFile && this.#memorySize > 0) await this.flush()
    if (algorithm === 'sha256' && this.#hash !== undefined) return finishDigest(this.#hash, algorithm)
    if (!this.#inFile) return contentDigestOf(Buffer.concat(this.#memory), algorithm)
    return await digestOfFile(this.#path, algorithm)
  }

  get #path(): string {
    return join(this.#folder, this.id)
  }
}
