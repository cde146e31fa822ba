import type { WorkMessage } from '#factory'
import type { Database, Session } from '../database.ts'

/**
 * Which batches somebody is at, as locks of one connection: they end with it, whatever becomes of the process. So a worker that was killed is
 * known at once, where signs of life would have to be waited for.
 */
export class BatchLocks {
  readonly #database: Database
  readonly #closed = Promise.withResolvers<void>()
  #session: Promise<Session> | undefined
  /** A connection is asked one thing after the other. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(database: Database) {
    this.#database = database
  }

  /** Takes the lock of a batch, unless somebody has it. */
  async take(message: WorkMessage): Promise<boolean> {
    return await this.#ask('take a batch', 'select pg_try_advisory_lock($1) as done', message)
  }

  async release(message: WorkMessage): Promise<void> {
    await this.#ask('let go of a batch', 'select pg_advisory_unlock($1) as done', message)
  }

  /** Whether nobody has the lock of a batch: asked by another connection, because to its own every lock is free. */
  async isFree({ run, batch }: WorkMessage): Promise<boolean> {
    const [row] = await this.#database.query<{ free: boolean }>(
      'ask who is at a batch',
      `select not exists (select from pg_locks
         where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())
           and objsubid = 1 and (classid::bigint << 32 | objid::bigint) = $1) as free`,
      [lockOf(run, batch)],
    )
    return row?.free === true
  }

  close(): void {
    this.#closed.resolve()
  }

  async #ask(doing: string, text: string, message: WorkMessage): Promise<boolean> {
    const asked = this.#last.then(() => this.#askNow(doing, text, message))
    this.#last = asked.catch(() => undefined)
    return await asked
  }

  async #askNow(doing: string, text: string, { run, batch }: WorkMessage): Promise<boolean> {
    this.#session ??= this.#open()
    const session = this.#session
    try {
      const [row] = await (await session).query<{ done: boolean }>(doing, text, [lockOf(run, batch)])
      return row?.done === true
    } catch (error) {
      // The connection may be gone, and its locks with it: the next one gets another.
      if (this.#session === session) this.#session = undefined
      throw error
    }
  }

  /** A connection that is kept until the locks are closed. */
  #open(): Promise<Session> {
    const opened = Promise.withResolvers<Session>()
    this.#database
      .alone(async (session) => {
        opened.resolve(session)
        await this.#closed.promise
      })
      .catch(opened.reject)
    return opened.promise
  }
}

/** Locks of batches have the upper half of the numbers that a lock can have; the classes of all others are below. */
function lockOf(run: number, batch: number): string {
  return ((1n << 62n) | (BigInt(run) << 24n) | BigInt(batch)).toString()
}
