import { type ConstructorOptions, PgBoss } from 'pg-boss'
import type { DatabaseAddress } from '../address.ts'
import { StoreError } from '../errors.ts'

/** The queue of batches. */
export const BATCHES = 'batches'

/** The schema that is the library's own. */
export const SCHEMA = 'casemate_queue'

/** Seconds without a sign of life after which a worker counts as gone; the least that the library takes. */
const HEARTBEAT = 10

/** Seconds in which a batch is done, whatever its images do: their stages have time-outs of their own. */
const EXPIRY = 23 * 3600

/**
 * Starts the library on a database, with its tables and the queue made where they are missing, by connections of its own. Any
 * number of processes may. Rejects with `DATABASE_FAILED`.
 */
export async function startBoss(
  { host, port, user, password, database, tls }: DatabaseAddress,
  options: ConstructorOptions & { readonly onError: (error: unknown) => void },
): Promise<PgBoss> {
  const { onError, ...rest } = options
  const boss = new PgBoss({
    ...{ host, port, user, database, schema: SCHEMA },
    ...(password === undefined ? {} : { password }),
    ssl: tls === 'disable' ? false : { rejectUnauthorized: tls === 'verify' },
    application_name: `casemate ${process.pid} queue`,
    // Everything has its time elsewhere: nothing here is started by a clock.
    schedule: false,
    ...rest,
  })
  boss.on('error', onError)
  try {
    await boss.start()
    await boss.createQueue(BATCHES, {
      // Stages count their own attempts and give up for good; the queue only brings work back.
      retryLimit: 10_000,
      retryDelay: 1,
      heartbeatSeconds: HEARTBEAT,
      expireInSeconds: EXPIRY,
      deleteAfterSeconds: 3600,
      notify: true,
    })
    return boss
  } catch (cause) {
    await boss.stop({ graceful: false }).catch(() => undefined)
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StoreError('DATABASE_FAILED', `cannot open the queue: ${reason}`, { cause })
  }
}
