import type { PgBoss } from 'pg-boss'
import type { WorkMessage } from '#factory'
import type { DatabaseAddress } from '../address.ts'
import type { Session } from '../database.ts'
import { BATCHES, startBoss } from './boss.ts'

/** States of a message that is with a worker, or will be. */
const LIVE: ReadonlySet<string> = new Set(['created', 'retry', 'active'])

/** A message that is to be sent; one that is first overtakes those that are not and wait. */
export interface SentMessage extends WorkMessage {
  readonly isFirst: boolean
}

/** Puts messages into the queue as a part of somebody's transaction. It connects when it is first used: most verbs send nothing. */
export class Sender {
  readonly #address: DatabaseAddress
  #boss: Promise<PgBoss> | undefined

  constructor(address: DatabaseAddress) {
    this.#address = address
  }

  async send(session: Session, messages: readonly SentMessage[]): Promise<void> {
    if (messages.length === 0) return
    const boss = await this.#open()
    await boss.insert(
      BATCHES,
      messages.map(({ isFirst, ...data }) => ({ data, priority: isFirst ? 1 : 0 })),
      { db: within(session) },
    )
  }

  /** The batches of a run that the queue has. */
  async batchesOf(session: Session, run: number): Promise<ReadonlySet<number>> {
    const boss = await this.#open()
    const jobs = await boss.findJobs<WorkMessage>(BATCHES, { data: { run }, db: within(session) })
    return new Set(jobs.flatMap(({ state, data }) => (LIVE.has(state) ? [data.batch] : [])))
  }

  async close(): Promise<void> {
    const boss = await this.#boss?.catch(() => undefined)
    await boss?.stop({ graceful: false })
  }

  #open(): Promise<PgBoss> {
    this.#boss ??= startBoss(this.#address, {
      max: 2,
      supervise: false,
      // What breaks is told by whoever sends.
      onError: () => undefined,
    }).catch((error: unknown) => {
      this.#boss = undefined
      throw error
    })
    return this.#boss
  }
}

function within(session: Session) {
  return {
    async executeSql(text: string, values?: unknown[]) {
      return { rows: await session.query<object>('send work', text, values) }
    },
  }
}
