import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { hasSystemCode } from '#core'
import { StoreError } from '../errors.ts'
import { type Account, barrier } from './account.ts'
import type { Programs } from './programs.ts'

/** The database's only user, and the database that belongs to it. */
export const OWNER = 'casemate'

/** Where things lie in the folder of an embedded database. */
export interface ClusterPlace {
  readonly folder: string
  /** PostgreSQL's own data folder. */
  readonly data: string
  /** A file with the password of `OWNER`, made together with the data and readable by the user of Casemate only. */
  readonly password: string
  readonly socket: string
  readonly log: string
  /** Links to libraries of packaged programs. */
  readonly links: string
}

export function clusterPlace(path: string): ClusterPlace {
  // A socket's folder is told from a host by its first slash.
  const folder = resolve(path)
  return {
    folder,
    data: join(folder, 'cluster/data'),
    password: join(folder, 'cluster/password'),
    socket: join(folder, 'socket'),
    log: join(folder, 'postgres.log'),
    links: join(folder, 'libraries'),
  }
}

/** The name of PostgreSQL's socket in its folder. */
export const SOCKET = '.s.PGSQL.5432'

/** Longer paths do not fit in a socket's address everywhere (unix(7); macOS has 104 bytes). */
const MAX_SOCKET_PATH = 103

/** Makes the folder, closed to others, and those that do not hold data; idempotent. Rejects with `POSTGRES_FAILED` or `POSTGRES_USER`. */
export async function prepareFolder({ folder, socket }: ClusterPlace, account: Account): Promise<void> {
  if (Buffer.byteLength(join(socket, SOCKET)) > MAX_SOCKET_PATH) {
    throw new StoreError(
      'POSTGRES_FAILED',
      `cannot use ${folder} for the database: its path is too long for a socket, want at most ${MAX_SOCKET_PATH - 21} bytes`,
    )
  }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const path of [folder, socket]) {
    await mkdir(path, { recursive: true, mode: 0o700 })
    if (account.other) await chown(path, account.uid, account.gid)
    await chmod(path, 0o700)
  }
  const closed = account.other ? await barrier(account, folder) : undefined
  if (closed === undefined) return
  throw new StoreError(
    'POSTGRES_USER',
    `cannot use ${folder} for the database: the user that PostgreSQL runs as may not pass through ${closed}`,
  )
}

/** The major version of PostgreSQL whose files the data folder holds; `undefined` when there are none yet. */
export async function clusterMajor({ data }: ClusterPlace): Promise<number | undefined> {
  try {
    return Number.parseInt(await readFile(join(data, 'PG_VERSION'), 'utf8'), 10)
  } catch (cause) {
    if (hasSystemCode(cause, 'ENOENT')) return undefined
    throw new StoreError('POSTGRES_FAILED', `cannot read the database in ${dirname(data)}`, { cause })
  }
}

/**
 * Makes an empty database cluster with data checksums, UTF-8, byte-wise order and one user with a random password. It
 * appears whole or not at all, under a name of its own until it is; who comes second with it leaves the first one's alone.
 */
export async function makeCluster(place: ClusterPlace, programs: Programs, account: Account): Promise<void> {
  const aside = await mkdtemp(join(place.folder, 'new-'))
  try {
    const password = randomBytes(24).toString('base64url')
    const given = join(aside, 'given')
    if (account.other) await chown(aside, account.uid, account.gid)
    await writeDurably(given, `${password}\n`)
    if (account.other) await chown(given, account.uid, account.gid)
    await initialize(join(aside, 'data'), given, { programs, account })
    await rm(given)
    await writeDurably(join(aside, 'password'), password)
    await syncFolder(aside)
    await rename(aside, dirname(place.data))
    await syncFolder(place.folder)
  } catch (error) {
    await rm(aside, { recursive: true, force: true })
    // Another process was faster, or has cleaned up what it took for the rest of a process that was killed.
    if (!hasSystemCode(error, 'ENOTEMPTY', 'EEXIST') && (await clusterMajor(place)) === undefined) throw error
  }
}

/** Removes what processes left that were killed while they made a cluster. */
export async function removeUnfinished({ folder }: ClusterPlace): Promise<void> {
  const names = await readdir(folder)
  const unfinished = names.filter((name) => /^new-.{6}$/.test(name))
  await Promise.all(
    unfinished.map((name) =>
      rm(join(folder, name), { recursive: true, force: true }).catch((error: unknown) => {
        // Its maker lives and still writes there: it takes it away itself.
        if (!hasSystemCode(error, 'ENOTEMPTY')) throw error
      }),
    ),
  )
}

async function initialize(data: string, passwordFile: string, as: { programs: Programs; account: Account }) {
  const { programs, account } = as
  const child = spawn(
    programs.initdb,
    [
      ...[`--pgdata=${data}`, `--username=${OWNER}`, `--pwfile=${passwordFile}`, '--no-instructions'],
      ...['--encoding=UTF8', '--locale=C', '--data-checksums', '--auth-local=scram-sha-256', '--auth-host=reject'],
    ],
    {
      cwd: '/',
      env: programs.environment,
      stdio: ['ignore', 'ignore', 'pipe'],
      ...(account.other ? { uid: account.uid, gid: account.gid } : {}),
    },
  )
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000)
  })
  const [status] = await once(child, 'close')
  if (status === 0) return
  throw new StoreError(
    'POSTGRES_FAILED',
    `cannot make a database in ${dirname(data)}: ${said.trim() || `initdb ended with ${status}`}`,
  )
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
