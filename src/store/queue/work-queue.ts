import type { TakenQueue, WorkMessage, WorkOptions, WorkQueue } from '#factory'
import type { DatabaseAddress } from '../address.ts'
import { BATCHES, startBoss } from './boss.ts'

/** Seconds between two looks for workers that are gone, and between two signs of our own life. */
const SUPERVISION = 2

/** Seconds between two looks for work, where the database's notice of it got lost. */
const POLLING = 2

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
    const boss = await startBoss(this.#address, {
      max: concurrency + 3,
      superviseIntervalSeconds: SUPERVISION,
      monitorIntervalSeconds: SUPERVISION,
      useListenNotify: true,
      onError,
    })
    await boss.work<WorkMessage, void>(
      BATCHES,
      {
        localConcurrency: concurrency,
        heartbeatRefreshSeconds: SUPERVISION,
        pollingIntervalSeconds: POLLING,
        notifyPollingIntervalSeconds: POLLING,
      },
      async ([job]) => {
        if (job === undefined) return
        try {
          await work(job.data, job.signal)
        } catch (error) {
          onError(error)
          throw error
        }
      },
    )
    return { stop: async (milliseconds) => await boss.stop({ graceful: true, timeout: milliseconds }) }
  }
}
