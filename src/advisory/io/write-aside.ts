import { renameSync } from 'node:fs'
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Writes a file that is seen whole or not at all, and survives a loss of power: beside its place, which it takes at the end
 * unless `isWanted` says at the last moment that it is too late. Gives whether it took it.
 */
export async function writeAside(
  path: string,
  write: (handle: FileHandle) => Promise<void>,
  isWanted: () => boolean = () => true,
): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true })
  const aside = `${path}.${process.pid}.${process.hrtime.bigint()}`
  const handle = await open(aside, 'wx')
  try {
    await write(handle)
    await handle.sync()
    if (!isWanted()) return false
    // Nothing is awaited since the question.
    renameSync(aside, path)
    return true
  } finally {
    await handle.close()
    await rm(aside, { force: true })
  }
}
