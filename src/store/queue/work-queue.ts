import type { PgBoss } from 'pg-boss'
import { FactoryError, type TakenQueue, type WorkMessage, type WorkOptions, type WorkQueue } from '#factory'
import type { DatabaseAddress } from '../address.ts'
import { Database } from '../database.ts'
import { BatchLocks } from './batch-locks.ts'
import { BATCHES, SCHEMA, startBoss } from './boss.ts'

/** Seconds between two looks for workers that do not answer, and between two signs of our own life. */
const SUPERVISION = 2

/** Seconds between two looks for work, where the database's notice of it got lost. */
const POLLING = 1

/** Milliseconds between two looks for messages whose worker is gone, and how old such a message is at least. */
const SWEEP = 1000

/** The queue in PostgreSQL. */
export class StoredQueue implements WorkQueue {
  readonly #address: DatabaseAddress

  constructor(address: DatabaseAddress) {
    this.#address = address
  }

  async take(
    work: (message: WorkMessage, signal: AbortSignal) => Promise<void>,
    { concurrency, onError }: WorkOptions,
  ): Promise<TakenQueue> {
    // One connection has the locks, one sweeps.
    const database = await Database.open(this.#address, { connections: 2 })
    const locks = new BatchLocks(database)
    try {
      const boss = await startBoss(this.#address, {
        max: concurrency + 3,
        superviseIntervalSeconds: SUPERVISION,
        monitorIntervalSeconds: SUPERVISION,
        useListenNotify: true,
        onError,
      })
      const sweeping = setInterval(() => void sweep(boss, database, locks).catch(onError), SWEEP)
      await workOn(boss, locks, { work, concurrency, onError })
      return {
        async stop(milliseconds) {
          clearInterval(sweeping)
          await boss.stop({ graceful: true, timeout: milliseconds })
          locks.close()
          await database.close()
        },
      }
    } catch (error) {
      locks.close()
      await database.close()
      throw error
    }
  }
}

interface Work extends WorkOptions {
  work(message: WorkMessage, signal: AbortSignal): Promise<void>
}

async function workOn(boss: PgBoss, locks: BatchLocks, { work, concurrency, onError }: Work): Promise<void> {
  const options = {
    localConcurrency: concurrency,
    heartbeatRefreshSeconds: SUPERVISION,
    pollingIntervalSeconds: POLLING,
    notifyPollingIntervalSeconds: POLLING,
  }
  await boss.work<WorkMessage, void>(BATCHES, options, async ([job]) => {
    if (job === undefined) return
    try {
      if (!(await locks.take(job.data))) {
        throw new FactoryError(
          'WORK_HANDED_BACK',
          'cannot do a batch: a worker that gave no sign of life is still at it',
        )
      }
      try {
        await work(job.data, job.signal)
      } finally {
        // With a connection that is gone, so is the lock.
        await locks.release(job.data).catch(() => undefined)
      }
    } catch (error) {
      onError(error)
      throw error
    }
  })
}

/** Puts back the messages whose worker is gone: nobody has their lock. One that is put back too soon is harmless. */
async function sweep(boss: PgBoss, database: Database, locks: BatchLocks): Promise<void> {
  const active = await database.query<{ id: string; retry_count: number; data: WorkMessage }>(
    'look for messages whose worker is gone',
    `select id, retry_count, data from ${SCHEMA}.job
     where name = $1 and state = 'active' and started_on < now() - $2 * interval '1 millisecond'`,
    [BATCHES, SWEEP],
  )
  for (const { id, retry_count: retryCount, data } of active) {
    if (!(await locks.isFree(data))) continue
    await boss.fail(BATCHES, { id, retryCount }, { message: 'its worker is gone' })
  }
}
