import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { hasSystemCode, messageOf } from '#core'
import { AdvisoryError } from '../errors.ts'
import type { NewPart, PartState } from '../part.ts'
import type { StoreFile } from '../section.ts'
import { type AdvisoryStore, openAdvisoryStore } from '../store.ts'
import { encodeStore, readDirectory, type StoredPart } from '../store-format.ts'
import { writeAside } from './write-aside.ts'

/** A store that is open on disk; imports do not disturb it, it goes on with what it opened. */
export interface OpenStore extends AdvisoryStore {
  close(): void
}

export interface OpenFile extends StoreFile {
  readonly identity: string
  close(): void
}

/** The file of the store below a cache folder. */
export function storePath(cacheFolder: string): string {
  return join(cacheFolder, 'advisories', 'store')
}

/**
 * Opens the store below a cache folder; `undefined` when nothing was imported yet. Throws `ADVISORY_STORE_INVALID` when it
 * is damaged or of another format.
 */
export function openStore(cacheFolder: string): OpenStore | undefined {
  const file = openFile(storePath(cacheFolder))
  if (file === undefined) return undefined
  try {
    return Object.assign(openAdvisoryStore(file), { close: () => file.close() })
  } catch (error) {
    file.close()
    throw error
  }
}

/** The store below a cache folder, opened once for as long as it is the same file. */
export class SharedStore {
  readonly #path: string
  readonly #files: OpenFile[] = []
  #open: { readonly store: OpenStore; readonly identity: string } | undefined

  constructor(cacheFolder: string) {
    this.#path = storePath(cacheFolder)
  }

  /** The store as it is now; `undefined` when nothing was imported yet. Its own `close` does nothing. Throws as `openStore`. */
  current(): OpenStore | undefined {
    if (this.#open !== undefined && identityOf(this.#path) === this.#open.identity) return this.#open.store
    const file = openFile(this.#path)
    if (file === undefined) return undefined
    // Somebody may still be reading in those that were open before.
    this.#files.push(file)
    const store = Object.assign(openAdvisoryStore(file), { close: () => undefined })
    this.#open = { store, identity: file.identity }
    return store
  }

  close(): void {
    for (const file of this.#files.splice(0)) file.close()
  }
}

/**
 * Puts parts into the store below a cache folder, each in place of the part of its kind. The store is written aside and
 * renamed: a reader sees the old one or the new one, whole. When another import comes first, this one is put into its
 * result. Rejects with `ADVISORY_STORE_INVALID` when the old store cannot be read, `ADVISORY_STORE_FAILED` when it cannot write.
 */
export async function storeParts(cacheFolder: string, parts: readonly NewPart[]): Promise<void> {
  await change(cacheFolder, (older) => encodeStore(parts, older === undefined ? [] : [older]))
}

/**
 * Writes what is newly known of parts whose data stay as they are: when they were confirmed. A part that another import
 * replaced meanwhile is left alone. Rejects as `storeParts` does.
 */
export async function restateParts(cacheFolder: string, states: readonly PartState[]): Promise<void> {
  await change(cacheFolder, (older) => {
    if (older === undefined) return encodeStore([], [])
    const restated = older.parts.map(({ state, place }) => {
      const next = states.find(({ kind, digest }) => kind === state.kind && digest === state.digest)
      return { state: next ?? state, place }
    })
    return encodeStore([], [{ ...older, parts: restated }])
  })
}

/** A store whose parts may be copied. */
export interface CopiedStore {
  readonly file: StoreFile
  readonly parts: readonly StoredPart[]
}

/** Puts parts of another store into this one, each in place of the part of its kind. Rejects as `storeParts` does. */
export async function storeCopies(cacheFolder: string, copied: CopiedStore): Promise<void> {
  await change(cacheFolder, (older) => encodeStore([], [copied, ...(older === undefined ? [] : [older])]))
}

async function change(cacheFolder: string, make: Make): Promise<void> {
  const path = storePath(cacheFolder)
  try {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) if (await replaceStore(path, make)) return
  } catch (cause) {
    if (cause instanceof AdvisoryError) throw cause
    throw failed(path, messageOf(cause), cause)
  }
  throw failed(path, `other imports changed it ${ATTEMPTS} times meanwhile`)
}

/** Makes the bytes of a store, in pieces, from the one that is there. */
type Make = (older: CopiedStore | undefined) => Uint8Array[]

/** How often an import that others overtake is tried. */
const ATTEMPTS = 20

function failed(path: string, reason: string, cause?: unknown): AdvisoryError {
  return new AdvisoryError('ADVISORY_STORE_FAILED', `cannot write advisories ${path}: ${reason}`, { cause })
}

/** Writes a store in place of the one that is there; false when that one was replaced while the new one was made. */
async function replaceStore(path: string, make: Make): Promise<boolean> {
  const older = openFile(path)
  try {
    const pieces = make(older && { file: older, parts: readDirectory(older) })
    const write = async (handle: FileHandle) => {
      const { bytesWritten } = await handle.writev(pieces)
      const wanted = pieces.reduce((sum, piece) => sum + piece.length, 0)
      if (bytesWritten !== wanted) throw new Error(`${bytesWritten} of ${wanted} bytes were written`)
    }
    return await writeAside(path, write, () => identityOf(path) === older?.identity)
  } finally {
    older?.close()
  }
}

/** What tells one store from the next at the same path. */
function identityOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found && `${found.ino} ${found.mtimeNs}`
}

/** Opens a file that a store, or an export of one, stands in. Throws `ADVISORY_STORE_INVALID` when it cannot be read. */
export function openFile(path: string): OpenFile | undefined {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (cause) {
    if (hasSystemCode(cause, 'ENOENT')) return undefined
    throw new AdvisoryError('ADVISORY_STORE_INVALID', `cannot open advisories ${path}: ${messageOf(cause)}`, { cause })
  }
  const { size, ino, mtimeNs } = fstatSync(descriptor, { bigint: true })
  return {
    path,
    size: Number(size),
    identity: `${ino} ${mtimeNs}`,
    read(offset, length) {
      const bytes = new Uint8Array(length)
      let filled = 0
      while (filled < length) {
        const read = readSync(descriptor, bytes, filled, length - filled, offset + filled)
        if (read === 0) break
        filled += read
      }
      return bytes.subarray(0, filled)
    },
    close: () => closeSync(descriptor),
  }
}
