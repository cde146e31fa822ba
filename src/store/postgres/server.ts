import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { hasSystemCode } from '#core'
import type { DatabaseAddress } from '../address.ts'
import { StoreError } from '../errors.ts'
import { type Account, postgresAccount } from './account.ts'
import {
  type ClusterPlace,
  clusterMajor,
  clusterPlace,
  makeCluster,
  OWNER,
  prepareFolder,
  removeUnfinished,
  SOCKET,
} from './cluster.ts'
import { isAlive, removeMistakenFile, runningPostmaster } from './postmaster.ts'
import { findPrograms, type Programs } from './programs.ts'
import { isAnswered, startAlone } from './start-alone.ts'

/** Where an embedded database is kept and what serves it. */
export interface EmbeddedOptions {
  /** A folder that holds nothing else; made when it is not there. */
  readonly folder: string
  /** The folder of PostgreSQL's programs; by default what the npm package or this machine has. */
  readonly programs?: string
  /** The existing user that PostgreSQL runs as, where this process is root's. */
  readonly user?: string
}

/** A PostgreSQL of our own, which runs for as long as whoever started it wants. */
export interface EmbeddedPostgres {
  readonly address: DatabaseAddress
  /** As PostgreSQL says it, e.g. `18.4`. */
  readonly version: string
  /** Resolves with the reason when the server, or its lock, is gone without `stop`. */
  readonly lost: Promise<StoreError>
  /** Ends the server when what is under way has been rolled back; idempotent. What was acknowledged is there at the next start. */
  stop(): Promise<void>
}

/** Of one owner of the folder: a session that holds this lock. It ends with the process, however that ends. */
const OWNER_LOCK = 7_391_001
const PATIENCE = 60_000
const MAX_LOG = 8 * 2 ** 20

/** Whatever a configuration file says: these decide whether an acknowledged commit survives a power cut, and who may connect. */
const SETTINGS: Readonly<Record<string, string>> = {
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  listen_addresses: '',
  unix_socket_permissions: '0700',
  port: '5432',
  max_connections: '100',
  password_encryption: 'scram-sha-256',
  logging_collector: 'off',
  log_destination: 'stderr',
  log_line_prefix: '%m [%p] ',
  timezone: 'UTC',
}

/**
 * Starts the database of a folder, and makes it first where there is none. A server that a killed process has left is taken
 * over. Rejects with `DATABASE_LOCKED` while another process owns it, with `POSTGRES_MISSING`, `POSTGRES_USER` or
 * `POSTGRES_FAILED`.
 */
export async function startPostgres({ folder, programs: named, user }: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const place = clusterPlace(folder)
  const account = await postgresAccount(user)
  await prepareFolder(place, account)
  const find = async () =>
    await findPrograms({ folder: named, major: await clusterMajor(place), account, links: place.links })
  const deadline = Date.now() + PATIENCE
  const { programs, child } = await startAlone(place.folder, deadline, async () => {
    let programs = await find()
    if ((await clusterMajor(place)) === undefined) {
      await makeCluster(place, programs, account)
      programs = await find()
    }
    return { programs, child: await launch(place, { programs, account, deadline }) }
  })
  const address = await embeddedAddress(folder)
  const owner = await takeOwnership(address, { folder, deadline }).catch(async (error: unknown) => {
    // Who owns the server is served by ours, where it was the faster one.
    const isOwned = error instanceof StoreError && error.code === 'DATABASE_LOCKED'
    if (!isOwned) child?.kill('SIGINT')
    throw error
  })
  await removeUnfinished(place)
  let stopping: Promise<void> | undefined
  const lost = new Promise<StoreError>((resolve) => {
    owner.once('end', () => {
      if (stopping !== undefined) return
      resolve(new StoreError('POSTGRES_FAILED', `cannot go on: the database in ${folder} is gone, see ${place.log}`))
    })
  })
  const { rows } = await owner.query<{ server_version: string }>('show server_version')
  const stop = () => (stopping ??= stopServer(place, owner, child))
  return { address, version: rows[0]?.server_version ?? programs.version, lost, stop }
}

/** Where the database of a folder can be reached, as long as some process runs it. Rejects with `DATABASE_FAILED`. */
export async function embeddedAddress(folder: string): Promise<DatabaseAddress> {
  const { password, socket } = clusterPlace(folder)
  try {
    const secret = await readFile(password, 'utf8')
    return { host: socket, port: 5432, user: OWNER, password: secret, database: 'postgres', tls: 'disable' }
  } catch (cause) {
    const reason = hasSystemCode(cause, 'ENOENT') ? 'there is none' : 'its password cannot be read'
    throw new StoreError('DATABASE_FAILED', `cannot open the database in ${folder}: ${reason}`, { cause })
  }
}

interface Launch {
  readonly programs: Programs
  readonly account: Account
  readonly deadline: number
}

/** Starts a server unless one runs; gives its process where it is ours. Resolves when the server takes connections. */
async function launch(place: ClusterPlace, { programs, account, deadline }: Launch): Promise<ChildProcess | undefined> {
  // In another container its number says nothing here, and PostgreSQL itself would take its files for those of a dead one.
  if (await isAnswered(join(place.socket, SOCKET))) return undefined
  await removeMistakenFile(place.data)
  const child =
    (await runningPostmaster(place.data)) === undefined ? await spawnServer(place, programs, account) : undefined
  while (!(await runningPostmaster(place.data))?.ready) {
    // Another process was faster, and its server is the one to wait for.
    const ended = child !== undefined && child.exitCode !== null
    if ((ended && (await runningPostmaster(place.data)) === undefined) || Date.now() > deadline) {
      child?.kill('SIGQUIT')
      const reason = ended ? `PostgreSQL ended with ${child.exitCode}` : `it was not ready after ${PATIENCE / 1000} s`
      throw new StoreError(
        'POSTGRES_FAILED',
        `cannot start the database in ${place.folder}: ${reason}: ${await lastLines(place.log)}`,
      )
    }
    await sleep(5)
  }
  return child !== undefined && child.exitCode === null ? child : undefined
}

async function spawnServer({ data, socket, log }: ClusterPlace, { postgres, environment }: Programs, account: Account) {
  const { size } = await stat(log).catch(() => ({ size: 0 }))
  if (size > MAX_LOG) await rename(log, `${log}.1`)
  const output = await open(log, 'a', 0o600)
  try {
    const settings = { ...SETTINGS, unix_socket_directories: socket }
    const child = spawn(
      postgres,
      ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      {
        cwd: '/',
        env: environment,
        stdio: ['ignore', output.fd, output.fd],
        // In a session of its own: a terminal's interrupt is for us, who end the server when its users have ended.
        detached: true,
        ...(account.other ? { uid: account.uid, gid: account.gid } : {}),
      },
    )
    await once(child, 'spawn')
    child.unref()
    return child
  } finally {
    await output.close()
  }
}

/** Connects as the one who may stop the server. Rejects with `DATABASE_LOCKED` while somebody else is connected so. */
async function takeOwnership(
  address: DatabaseAddress,
  { folder, deadline }: { folder: string; deadline: number },
): Promise<pg.Client> {
  for (;;) {
    const { host, port, user, password, database } = address
    const owner = new pg.Client({ host, port, user, password, database, application_name: `casemate ${process.pid}` })
    owner.on('error', () => undefined)
    try {
      await owner.connect()
      const { rows } = await owner.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [OWNER_LOCK])
      if (rows[0]?.taken === true) return owner
    } catch (cause) {
      await owner.end().catch(() => undefined)
      if (!isStartingOrStopping(cause) || Date.now() > deadline) {
        throw new StoreError('POSTGRES_FAILED', `cannot connect to the database in ${folder}`, { cause })
      }
      await sleep(20)
      continue
    }
    const { rows } = await owner.query<{ name: string }>(
      'select application_name as name from pg_stat_activity join pg_locks using (pid) where locktype = $1 and objid = $2 and granted',
      ['advisory', OWNER_LOCK],
    )
    await owner.end()
    throw new StoreError(
      'DATABASE_LOCKED',
      `cannot open the database in ${folder}: another process runs it (${rows[0]?.name ?? 'it has just ended'})`,
    )
  }
}

/** `cannot_connect_now`, or a server that closes the door while one is at it. */
function isStartingOrStopping(cause: unknown): boolean {
  return hasSystemCode(cause, '57P03', '57P01', 'ECONNRESET', 'ECONNREFUSED', 'ENOENT')
}

async function stopServer({ data }: ClusterPlace, owner: pg.Client, child: ChildProcess | undefined): Promise<void> {
  const pid = child?.pid ?? (await runningPostmaster(data))?.pid
  const gone = () =>
    child !== undefined ? child.exitCode !== null || child.signalCode !== null : pid === undefined || !isAlive(pid)
  // Fast shutdown: transactions are rolled back, sessions ended. Immediate, later, is a crash that the next start recovers from.
  for (const [signal, patience] of [
    ['SIGINT', 30_000],
    ['SIGQUIT', 10_000],
  ] as const) {
    if (pid !== undefined && !gone()) process.kill(pid, signal)
    for (const deadline = Date.now() + patience; !gone() && Date.now() < deadline; ) await sleep(10)
  }
  await owner.end().catch(() => undefined)
}

async function lastLines(log: string): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '')
  return text.trim().split('\n').slice(-3).join('; ')
}
