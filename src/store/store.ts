import type { FactoryLogs, FactoryStore } from '#factory'
import { AuditTrail } from './access/audit.ts'
import { AccessTokens } from './access/tokens.ts'
import type { DatabaseAddress } from './address.ts'
import { Database, type DatabaseOptions } from './database.ts'
import { StoredClocks } from './logs/clocks.ts'
import { StoredDecisions } from './logs/decisions.ts'
import { StoredEvents } from './logs/events.ts'
import { StoredLedger } from './logs/ledger.ts'
import { StoredPlans } from './logs/plans.ts'
import { StoredReleases } from './logs/releases.ts'
import { StoredRuns } from './logs/runs.ts'
import { migrate, readMigrations } from './migrations.ts'
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

/** The factory's memory in a PostgreSQL database, with the connections to it. */
export interface OpenStore extends FactoryStore, StoreLogs {
  readonly database: Database
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
  return {
    ...logsOf((work) => database.transaction(work)),
    transaction: (work) => database.transaction((session) => work(logsOf((part) => part(session)))),
    database,
    close: () => database.close(),
  }
}

function logsOf(atomically: Atomically): StoreLogs {
  return {
    events: new StoredEvents(atomically),
    plans: new StoredPlans(atomically),
    runs: new StoredRuns(atomically),
    releases: new StoredReleases(atomically),
    decisions: new StoredDecisions(atomically),
    clocks: new StoredClocks(atomically),
    ledger: new StoredLedger(atomically),
    tokens: new AccessTokens(atomically),
    audit: new AuditTrail(atomically),
    images: new ImageViews(atomically),
    history: new HistoryViews(atomically),
  }
}
