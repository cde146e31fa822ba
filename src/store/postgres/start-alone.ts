import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, rm } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasSystemCode } from '#core'
import { StoreError } from '../errors.ts'

const NAME = /^start-[0-9a-f]{8}\.sock$/
/** The longest and the shortest pause before somebody who met another one tries again, in milliseconds. */
const PAUSE = [10, 120] as const

/**
 * Does something while no other process of this machine does it in this folder, in whatever container that process is: numbers of
 * processes mean nothing between containers, but a socket in a shared folder is answered by who has it. Everybody opens a socket with a
 * name of its own first and looks for others then; who sees another one takes its own away and tries again. So of two that are
 * both there, at most one has not seen the other. Waits until `deadline`, in milliseconds of the wall clock, and then rejects with
 * `DATABASE_LOCKED`; else rejects as `work` does.
 */
export async function startAlone<Result>(
  folder: string,
  deadline: number,
  work: () => Promise<Result>,
): Promise<Result> {
  const [shortest, longest] = PAUSE
  for (;;) {
    const own = `start-${randomBytes(4).toString('hex')}.sock`
    const server = createServer((socket) => socket.destroy())
    server.listen(join(folder, own))
    await once(server, 'listening')
    try {
      if (!(await hasOthers(folder, own))) return await work()
    } finally {
      server.close()
      await once(server, 'close')
    }
    if (Date.now() > deadline) {
      throw new StoreError(
        'DATABASE_LOCKED',
        `cannot start the database in ${folder}: another process has been starting it all the while`,
      )
    }
    await sleep(shortest + Math.random() * (longest - shortest))
  }
}

async function hasOthers(folder: string, own: string): Promise<boolean> {
  const names = (await readdir(folder)).filter((name) => NAME.test(name) && name !== own)
  const living = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      const isThere = await isAnswered(path)
      // Whoever opens one now has a name of its own, and sees ours.
      if (!isThere) await rm(path, { force: true })
      return isThere
    }),
  )
  return living.includes(true)
}

/** Whether some process listens on a socket. */
export async function isAnswered(path: string): Promise<boolean> {
  const socket = createConnection(path)
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    if (hasSystemCode(error, 'ECONNREFUSED', 'ENOENT', 'ENOTSOCK')) return false
    // One whose queue is full, or that may not be spoken to, is somebody's.
    return true
  } finally {
    socket.destroy()
  }
}
