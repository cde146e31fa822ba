import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { StoreError } from '../errors.ts'

/** Who PostgreSQL runs as: the user of this process, or another one where this process is root's. */
export interface Account {
  readonly uid: number
  readonly gid: number
  /** Whether it is not the user of this process, so that files have to be given to it. */
  readonly other: boolean
}

/**
 * Finds who PostgreSQL shall run as: whoever this process is, but for root, as whom it refuses to run. So root names an
 * existing user; no account is ever made.
 * Rejects with `POSTGRES_USER`.
 */
export async function postgresAccount(user: string | undefined): Promise<Account> {
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, other: false }
  if (own.uid !== 0) return own
  if (user === undefined) {
    throw new StoreError(
      'POSTGRES_USER',
      'cannot run PostgreSQL as root: run Casemate as another user, or name an existing user that PostgreSQL shall run as, e.g. CASEMATE_POSTGRES_USER=postgres',
    )
  }
  const account = await idOf(user)
  if (account.uid === 0) throw new StoreError('POSTGRES_USER', `cannot run PostgreSQL as ${user}: that is root`)
  return { ...account, other: true }
}

async function idOf(user: string): Promise<{ uid: number; gid: number }> {
  try {
    const [uid, gid] = await Promise.all(['-u', '-g'].map((option) => promisify(execFile)('id', [option, '--', user])))
    return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) }
  } catch (cause) {
    throw new StoreError('POSTGRES_USER', `cannot run PostgreSQL as ${JSON.stringify(user)}: there is no such user`, {
      cause,
    })
  }
}

/** The first folder on the way to `path` that the account may not pass through; `undefined` where the way is free. */
export async function barrier({ uid, gid }: Account, path: string): Promise<string | undefined> {
  const above = dirname(path) === path ? undefined : await barrier({ uid, gid, other: true }, dirname(path))
  if (above !== undefined) return above
  const folder = await stat(path)
  const needed = folder.uid === uid ? 0o100 : folder.gid === gid ? 0o010 : 0o001
  return folder.isDirectory() && (folder.mode & needed) === 0 ? path : undefined
}
