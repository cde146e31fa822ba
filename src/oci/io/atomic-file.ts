import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { messageOf } from '#core'
import { OciError } from '../errors.ts'

const USUAL_MODE = 0o666
/** In milliseconds. */
const LEFTOVER_AGE = 3_600_000

/**
 * Writes a file that is seen whole or not at all: the bytes go to a hidden neighbour, which then takes the name. A chunk
 * stays what it is until the next but one is asked for. A failed write leaves nothing behind. Rejects with `OUTPUT_FAILED`, or with the error of `bytes`.
 */
export async function writeFileAtomically(
  path: string,
  bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  mode = USUAL_MODE,
): Promise<void> {
  const partial = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.partial`)
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeNew(partial, bytes, mode)
    await rename(partial, path).catch(async (error: unknown) => {
      await rm(partial, { force: true })
      throw error
    })
  } catch (cause) {
    if (cause instanceof OciError) throw cause
    const reason = messageOf(cause)
    throw new OciError('OUTPUT_FAILED', `cannot write ${path}: ${reason}`, { cause })
  }
}

/** Removes what writers that were killed have left in a folder: files that nobody has written to for an hour. */
export async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names) {
    if (!/^\..*\.[0-9a-f]{12}\.partial$/.test(name)) continue
    const path = join(folder, name)
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined && found.mtimeMs < Date.now() - LEFTOVER_AGE) await rm(path, { force: true })
  }
}

/** Writes a file that was not there, or leaves none. */
async function writeNew(
  path: string,
  bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  mode: number,
): Promise<void> {
  const file = await open(path, 'wx', mode)
  let writing: Promise<unknown> = Promise.resolve()
  try {
    // One chunk is written while the next one is made ready.
    for await (const chunk of bytes) {
      await writing
      writing = writeChunk(file, chunk)
      // Looked at before the next chunk, or at the end.
      writing.catch(() => undefined)
    }
    await writing
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await writing.catch(() => undefined)
    await file.close()
  }
}

async function writeChunk(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done)).bytesWritten
}
