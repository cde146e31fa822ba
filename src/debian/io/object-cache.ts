import { createHash, type Hash } from 'node:crypto'
import { createReadStream, mkdirSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { homedir, hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { type Digest, digestFromHex, hasSystemCode, hexOf } from '#core'
import { DebianError } from '../errors.ts'

/** A partial file is taken over from a process that is gone, or whose last write is older than this (ms). */
const LEASE = 600_000

let sequence = 0

/** The folder of the cache: `casemate` below `$XDG_CACHE_HOME`, or below `~/.cache` (XDG base directory specification). */
export function defaultCacheFolder(): string {
  const xdg = process.env['XDG_CACHE_HOME']
  return join(xdg?.startsWith('/') ? xdg : join(homedir(), '.cache'), 'casemate')
}

/** Where an object is or would be below a folder of objects. */
export function objectPath(folder: string, digest: Digest): string {
  const hex = hexOf(digest)
  return join(folder, 'objects', 'sha256', hex.slice(0, 2), hex)
}

/**
 * Files by their SHA-256, below one folder. A file appears whole or not at all (written aside, synced, renamed), so
 * any number of processes may share the folder and any of them may be killed at any time.
 */
export class ObjectCache {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
    try {
      mkdirSync(join(folder, 'partial'), { recursive: true })
    } catch (cause) {
      throw new DebianError('CACHE_FAILED', `cannot use cache ${folder}: it cannot be created`, { cause })
    }
  }

  /** Where the object is or would be. */
  path(digest: Digest): string {
    return objectPath(this.folder, digest)
  }

  /** The path of the object, its content checked again; `undefined` when it is not there. A damaged one is removed. */
  async find(digest: Digest): Promise<string | undefined> {
    const path = this.path(digest)
    const found = await digestOfFile(path)
    if (found === undefined || found === digest) return found && path
    await rm(path, { force: true })
    return undefined
  }

  /** Stores bytes under their digest and gives the path. Idempotent. */
  async put(digest: Digest, bytes: Uint8Array): Promise<string> {
    const partial = await this.openPartial(digest)
    try {
      await partial.restart()
      await partial.append(bytes)
      return await partial.commit()
    } finally {
      await partial.release()
    }
  }

  /** Opens the file that a download of this object fills, with what an earlier, dead process left of it. */
  async openPartial(digest: Digest): Promise<PartialObject> {
    const folder = join(this.folder, 'partial')
    const hex = hexOf(digest)
    const own = join(folder, `${hex}.${HOST}.${process.pid}.${++sequence}`)
    for (const name of await readdir(folder)) {
      if (name.startsWith(`${hex}.`) && (await isAbandoned(join(folder, name)))) {
        // The rename is the claim: of several processes that see the same leftover, one succeeds.
        if (await renamed(join(folder, name), own)) break
      }
    }
    return PartialObject.open(own, digest, this.path(digest))
  }
}

/** A file that is being filled, owned by this process until `release`. */
export class PartialObject {
  /** Bytes written so far. */
  size = 0
  readonly #handle: FileHandle
  readonly #path: string
  readonly #digest: Digest
  readonly #target: string
  #hash: Hash = createHash('sha256')
  #open = true

  private constructor(handle: FileHandle, path: string, digest: Digest, target: string) {
    this.#handle = handle
    this.#path = path
    this.#digest = digest
    this.#target = target
  }

  static async open(path: string, digest: Digest, target: string): Promise<PartialObject> {
    const partial = new PartialObject(await open(path, 'a+'), path, digest, target)
    for await (const chunk of createReadStream(path)) partial.#count(chunk)
    return partial
  }

  async append(bytes: Uint8Array): Promise<void> {
    await this.#handle.appendFile(bytes)
    this.#count(bytes)
  }

  async restart(): Promise<void> {
    await this.#handle.truncate(0)
    this.#hash = createHash('sha256')
    this.size = 0
  }

  /** Makes the file an object and gives its path. Throws `FETCH_MISMATCH`, keeping nothing, if its digest is another. */
  async commit(): Promise<string> {
    const found = digestFromHex(this.#hash.copy().digest('hex'))
    if (found !== this.#digest) {
      await this.restart()
      throw new DebianError('FETCH_MISMATCH', `cannot store object: want ${this.#digest}, got ${found}`)
    }
    await this.#handle.sync()
    await mkdir(dirname(this.#target), { recursive: true })
    await rename(this.#path, this.#target)
    await syncFolder(dirname(this.#target))
    await this.#close()
    return this.#target
  }

  /** Leaves what was written to whoever asks for the object next. Does nothing after `commit`. */
  async release(): Promise<void> {
    if (!this.#open) return
    await this.#close()
    if (this.size === 0) await rm(this.#path, { force: true })
    else await renamed(this.#path, join(dirname(this.#path), `${hexOf(this.#digest)}.free`))
  }

  async #close(): Promise<void> {
    this.#open = false
    await this.#handle.close()
  }

  #count(bytes: Uint8Array): void {
    this.#hash.update(bytes)
    this.size += bytes.length
  }
}

const HOST = hostname().replace(/[^A-Za-z0-9]/g, '-') || 'host'

/** Writes a file whole: aside, synced, renamed, its folder synced. */
export async function writeWhole(path: string, parts: readonly Uint8Array[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const aside = `${path}.${HOST}.${process.pid}.${++sequence}`
  const handle = await open(aside, 'wx')
  try {
    for (const part of parts) await handle.appendFile(part)
    await handle.sync()
    await rename(aside, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(aside, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

/** The SHA-256 of a file, or `undefined` when there is none. */
export async function digestOfFile(path: string): Promise<Digest | undefined> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk)
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return undefined
    throw error
  }
  return digestFromHex(hash.digest('hex'))
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to)
    return true
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return false
    throw error
  }
}

/** A partial file is named HEX.free, or HEX.HOST.PID.NUMBER while a process owns it. */
async function isAbandoned(path: string): Promise<boolean> {
  const [, host, pid] = path.slice(path.lastIndexOf('/') + 1).split('.')
  if (host === 'free') return true
  if (host === HOST && !isAlive(Number(pid))) return true
  try {
    return Date.now() - (await stat(path)).mtimeMs > LEASE
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return false
    throw error
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return hasSystemCode(error, 'EPERM')
  }
}
