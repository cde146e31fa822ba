import { createHash } from 'node:crypto'
import type { FactoryLogs, FactoryStore, WorkQueue } from '#factory'
import { AuditTrail } from './access/audit.ts'
import { AccessTokens } from './access/tokens.ts'
import type { DatabaseAddress } from './address.ts'
import { Database, type DatabaseOptions } from './database.ts'
import { StoredClocks } from './logs/clocks.ts'
import { StoredDecisions } from './logs/decisions.ts'
import { StoredDeliveries } from './logs/deliveries.ts'
import { StoredEvents } from './logs/events.ts'
import { StoredFleet } from './logs/fleet.ts'
import { StoredIntents } from './logs/intents.ts'
import { StoredLedger } from './logs/ledger.ts'
import { StoredOutbox } from './logs/outbox.ts'
import { StoredPlans } from './logs/plans.ts'
import { StoredReleases } from './logs/releases.ts'
import { StoredRuns } from './logs/runs.ts'
import { StoredWatches } from './logs/watches.ts'
import { StoredWork } from './logs/work.ts'
import { migrate, readMigrations } from './migrations.ts'
import { Sender } from './queue/sender.ts'
import { StoredQueue } from './queue/work-queue.ts'
import type { Atomically } from './session.ts'
import { HistoryViews } from './views/history.ts'
import { ImageViews } from './views/images.ts'

/** What the factory remembers, who may use its API, and what is looked at from outside. */
export interface StoreLogs extends FactoryLogs {
  readonly tokens: AccessTokens
  readonly audit: AuditTrail
  readonly images: ImageViews
  readonly history: HistoryViews
}

/** The class of locks that names have. */
const NAME_LOCKS = 7_391_004

/** The factory's memory in a PostgreSQL database, with the connections to it. */
export interface OpenStore extends FactoryStore, StoreLogs {
  readonly database: Database
  readonly address: DatabaseAddress
  readonly queue: WorkQueue
  /** As `FactoryStore` says, with everything that is kept here. */
  transaction<Result>(work: (logs: StoreLogs) => Promise<Result>): Promise<Result>
  /** Closes the connections when what is under way has ended. */
  close(): Promise<void>
}

/**
 * Opens the factory's memory and brings its schema up to date. Any number of processes may have it open. Rejects with
 * `DATABASE_FAILED`, `DATABASE_UNSAFE`, `DATABASE_NEWER` or `MIGRATION_CHANGED`.
 */
export async function openStore(address: DatabaseAddress, options: DatabaseOptions = {}): Promise<OpenStore> {
  const database = await Database.open(address, options)
  try {
    await migrate(database, await readMigrations())
  } catch (error) {
    await database.close()
    throw error
  }
  const sender = new Sender(address)
  return {
    ...logsOf({ atomically: (work) => database.transaction(work), reading: (work) => work(database) }, sender),
    transaction: (work) =>
      database.transaction((session) => {
        const inside: Atomically = (part) => part(session)
        return work(logsOf({ atomically: inside, reading: inside }, sender))
      }),
    exclusively: (names, work) => whileLocked(database, names, work),
    ...{ database, address },
    queue: new StoredQueue(address),
    async close() {
      await sender.close()
      await database.close()
    },
  }
}

/**
 * Locks of the database by name, which end with the connection, whatever becomes of the process. Taken in one order, so that no two
 * wait for each other; two names may share a lock.
 */
async function whileLocked<Result>(
  database: Database,
  names: readonly string[],
  work: () => Promise<Result>,
): Promise<Result> {
  const keys = [...new Set(names.map(lockKey))].sort((left, right) => left - right)
  return await database.alone(async (session) => {
    await session.query(
      'wait for others',
      'select pg_advisory_lock($1, key) from (select key from unnest($2::int[]) as key order by key) as ordered',
      [NAME_LOCKS, keys],
    )
    const result = await work()
    await session.query('let others go on', 'select pg_advisory_unlock($1, key) from unnest($2::int[]) as key', [
      NAME_LOCKS,
      keys,
    ])
    return result
  })
}

function lockKey(name: string): number {
  return createHash('sha256').update(name).digest().readInt32BE(0)
}

/** `reading` is for what one statement answers, which needs no transaction of its own. */
function logsOf({ atomically, reading }: { atomically: Atomically; reading: Atomically }, sender: Sender): StoreLogs {
  return {
    events: new StoredEvents(atomically),
    fleet: new StoredFleet(atomically),
    plans: new StoredPlans(atomically),
    runs: new StoredRuns(atomically, reading),
    work: new StoredWork(atomically, sender),
    releases: new StoredReleases(atomically, reading),
    intents: new StoredIntents(atomically, reading),
    decisions: new StoredDecisions(atomically),
    clocks: new StoredClocks(atomically),
    ledger: new StoredLedger(atomically),
    watches: new StoredWatches(atomically),
    outbox: new StoredOutbox(atomically),
    deliveries: new StoredDeliveries(atomically),
    tokens: new AccessTokens(atomically, reading),
    audit: new AuditTrail(atomically),
    images: new ImageViews(reading),
    history: new HistoryViews(reading),
  }
}
