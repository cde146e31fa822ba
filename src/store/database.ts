import pg from 'pg'
import { CasemateError } from '#core'
import { type DatabaseAddress, showAddress } from './address.ts'
import { StoreError } from './errors.ts'
import { OLDEST_MAJOR } from './postgres/programs.ts'

/** What can be asked of a database: by itself, or as a part of a transaction. `doing` is what fails if it fails, e.g. `read events`. */
export interface Session {
  query<Row extends object>(doing: string, text: string, values?: readonly unknown[]): Promise<Row[]>
}

export interface DatabaseOptions {
  /** Connections at a time; 10 where nothing is said. */
  readonly connections?: number
}

/** Errors after which the same transaction may be tried again: a serialization failure, a deadlock. */
const REPEATABLE = new Set(['40001', '40P01'])
const TRIES = 5
const IDLE_LIMIT = 60_000

/** Settings without which what PostgreSQL acknowledged may be lost or torn by a power cut. */
const NEEDED = { fsync: 'on', full_page_writes: 'on', server_encoding: 'UTF8' } as const

/** A database with a pool of connections. What it acknowledged survives a power cut: a database that is not so is refused. */
export class Database implements Session {
  readonly #pool: pg.Pool
  readonly name: string

  private constructor(pool: pg.Pool, name: string) {
    this.#pool = pool
    this.name = name
  }

  /** Rejects with `DATABASE_FAILED` where it cannot be reached, with `DATABASE_UNSAFE` where it is not to be relied on. */
  static async open(address: DatabaseAddress, { connections = 10 }: DatabaseOptions = {}): Promise<Database> {
    const { tls, password, ...rest } = address
    const pool = new pg.Pool({
      ...rest,
      // Without one, PGPASSWORD and the user's password file are asked, as libpq does.
      ...(password === undefined ? {} : { password }),
      ssl: tls === 'disable' ? false : { rejectUnauthorized: tls === 'verify' },
      max: connections,
      connectionTimeoutMillis: 30_000,
      keepAlive: true,
      // Whoever stops in the middle of a transaction, or is cut off, must not keep the others waiting for its locks.
      idle_in_transaction_session_timeout: IDLE_LIMIT,
      application_name: `casemate ${process.pid}`,
      // Whatever is set for the database or the user: this is how times are read here.
      options: '-c datestyle=ISO -c timezone=UTC',
      types: { getTypeParser },
    })
    // An idle connection that breaks is replaced by the pool; who uses one is told by the query.
    pool.on('error', () => undefined)
    const database = new Database(pool, showAddress(address))
    await database.#checkSettings().catch(async (error: unknown) => {
      await pool.end()
      throw error
    })
    return database
  }

  async query<Row extends object>(doing: string, text: string, values: readonly unknown[] = []): Promise<Row[]> {
    try {
      const { rows } = await this.#pool.query<Row>(text, [...values])
      return rows
    } catch (cause) {
      throw failure(`cannot ${doing}`, cause)
    }
  }

  /**
   * Does `work` in one transaction: durable, all of it, when this resolves, and without a trace when it rejects. `work` is done
   * again when another transaction was in its way, so it must have no effects but on the session that it is given.
   */
  async transaction<Result>(work: (session: Session) => Promise<Result>): Promise<Result> {
    for (let tried = 1; ; tried++) {
      try {
        return await this.alone(async (session) => {
          await session.query('begin a transaction', 'begin')
          const result = await work(session)
          await session.query('commit a transaction', 'commit')
          return result
        })
      } catch (error) {
        if (!isRepeatable(error) || tried === TRIES) throw error
      }
    }
  }

  /** Gives a connection to `work` alone, and closes it when `work` rejects, whatever state it is in. */
  async alone<Result>(work: (session: Session) => Promise<Result>): Promise<Result> {
    const client = await this.#pool.connect().catch((cause: unknown) => {
      throw failure(`cannot connect to the database ${this.name}`, cause)
    })
    // Told by the query that is under way; without a listener it would end the process.
    const ignore = () => undefined
    client.on('error', ignore)
    let broken = true
    try {
      const result = await work({
        query: async <Row extends object>(doing: string, text: string, values: readonly unknown[] = []) => {
          const { rows } = await client.query<Row>(text, [...values]).catch((cause: unknown) => {
            throw failure(`cannot ${doing}`, cause)
          })
          return rows
        },
      })
      broken = false
      return result
    } finally {
      client.off('error', ignore)
      client.release(broken)
    }
  }

  /** Closes every connection when what is under way has ended. */
  async close(): Promise<void> {
    await this.#pool.end()
  }

  async #checkSettings(): Promise<void> {
    const doing = `connect to the database ${this.name}`
    const rows = await this.query<{ name: string; setting: string }>(
      doing,
      'select name, setting from pg_settings where name = any ($1)',
      [[...Object.keys(NEEDED), 'synchronous_commit', 'server_version_num']],
    )
    const settings = new Map(rows.map(({ name, setting }) => [name, setting]))
    const unsafe = (reason: string) =>
      new StoreError('DATABASE_UNSAFE', `cannot use the database ${this.name}: ${reason}`)
    for (const [name, wanted] of Object.entries(NEEDED)) {
      const found = settings.get(name)
      if (found !== wanted) throw unsafe(`${name} is ${found ?? 'unknown'}, want ${wanted}`)
    }
    if (settings.get('synchronous_commit') === 'off') throw unsafe('synchronous_commit is off')
    const major = Math.floor(Number(settings.get('server_version_num')) / 10_000)
    if (!(major >= OLDEST_MAJOR)) throw unsafe(`it is PostgreSQL ${major}, want ${OLDEST_MAJOR} or newer`)
  }
}

function failure(what: string, cause: unknown): unknown {
  if (cause instanceof CasemateError) return cause
  const message = cause instanceof Error && cause.message !== '' ? cause.message : String(cause)
  const code =
    sqlState(cause)?.startsWith('22') || sqlState(cause)?.startsWith('23') ? 'RECORD_REFUSED' : 'DATABASE_FAILED'
  return new StoreError(code, `${what}: ${message}`, { cause })
}

function isRepeatable(error: unknown): boolean {
  return error instanceof StoreError && REPEATABLE.has(sqlState(error.cause) ?? '')
}

function sqlState(cause: unknown): string | undefined {
  return cause instanceof pg.DatabaseError ? cause.code : undefined
}

/** Integers of 64 bits come as numbers, times as ISO 8601 in UTC to the millisecond: what values of ours have. */
function getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  const { builtins, getTypeParser: usual } = pg.types
  const parse = usual(oid, format ?? 'text')
  if (oid === builtins.INT8) return safeInteger
  if (oid === builtins.TIMESTAMPTZ) return (text) => new Date(parse(text)).toISOString()
  return parse
}

function safeInteger(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value)) return value
  throw new StoreError('RECORD_INVALID', `cannot read the number ${text}: it is too large`)
}
