import type { FactoryLogs, FactoryStore } from '#factory'
import type { DatabaseAddress } from './address.ts'
import { Database, type DatabaseOptions } from './database.ts'
import { StoredClocks } from './logs/clocks.ts'
import { StoredDecisions } from './logs/decisions.ts'
import { StoredDeliveries } from './logs/deliveries.ts'
import { StoredEvents } from './logs/events.ts'
import { StoredFleet } from './logs/fleet.ts'
import { StoredLedger } from './logs/ledger.ts'
import { StoredOutbox } from './logs/outbox.ts'
import { StoredPlans } from './logs/plans.ts'
import { StoredReleases } from './logs/releases.ts'
import { StoredRuns } from './logs/runs.ts'
import { StoredWatches } from './logs/watches.ts'
import { migrate, readMigrations } from './migrations.ts'
import type { Atomically } from './session.ts'

/** The factory's memory in a PostgreSQL database, with the connections to it. */
export interface OpenStore extends FactoryStore {
  readonly database: Database
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
  return {
    ...logsOf((work) => database.transaction(work)),
    transaction: (work) => database.transaction((session) => work(logsOf((part) => part(session)))),
    database,
    close: () => database.close(),
  }
}

function logsOf(atomically: Atomically): FactoryLogs {
  return {
    events: new StoredEvents(atomically),
    fleet: new StoredFleet(atomically),
    plans: new StoredPlans(atomically),
    runs: new StoredRuns(atomically),
    releases: new StoredReleases(atomically),
    decisions: new StoredDecisions(atomically),
    clocks: new StoredClocks(atomically),
    ledger: new StoredLedger(atomically),
    watches: new StoredWatches(atomically),
    outbox: new StoredOutbox(atomically),
    deliveries: new StoredDeliveries(atomically),
  }
}
