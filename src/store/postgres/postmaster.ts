import { execFile } from 'node:child_process'
import { readFile, readlink, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { hasSystemCode } from '#core'

/** What a running server says of itself in `postmaster.pid`. */
export interface Postmaster {
  readonly pid: number
  readonly ready: boolean
}

/** The server that runs in a data folder, `undefined` when none does. What a server left behind that is gone is no server. */
export async function runningPostmaster(data: string): Promise<Postmaster | undefined> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch((error: unknown) => {
    if (hasSystemCode(error, 'ENOENT')) return undefined
    throw error
  })
  const lines = text?.split('\n') ?? []
  const pid = Number.parseInt(lines[0] ?? '', 10)
  if (!(pid > 0) || !(await isPostmaster(pid, data))) return undefined
  return { pid, ready: lines[7]?.trim() === 'ready' }
}

/**
 * Removes the file that a killed server left where its number is another process's by now: PostgreSQL would take that one
 * for the server and refuse to start, as happens in containers that are started again. A file whose number is nobody's is
 * left to PostgreSQL, and so is the watch, by shared memory, that no process of the killed server still writes.
 */
export async function removeMistakenFile(data: string): Promise<void> {
  const path = join(data, 'postmaster.pid')
  const pid = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10)
  if (pid > 0 && isAlive(pid) && !(await isPostmaster(pid, data))) await rm(path, { force: true })
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return hasSystemCode(error, 'EPERM')
  }
}

/** A server works in its data folder, so a process that is elsewhere is none; where that cannot be seen, its name tells. */
async function isPostmaster(pid: number, data: string): Promise<boolean> {
  if (!isAlive(pid)) return false
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(data))
  } catch {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'comm=', '-p', String(pid)]).catch(() => ({
      stdout: 'postgres',
    }))
    return /postgres|postmaster/.test(stdout)
  }
}
