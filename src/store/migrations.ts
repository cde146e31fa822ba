import { readdir, readFile } from 'node:fs/promises'
import { builtFolder, type Digest, digestOf } from '#core'
import type { Database, Session } from './database.ts'
import { StoreError } from './errors.ts'

/** One step of the schema: `NNNN-title.sql`. Forward only, and never edited once it was released. */
export interface Migration {
  readonly number: number
  readonly name: string
  readonly digest: Digest
  readonly sql: string
}

/** Whoever migrates holds this lock of the database. */
const MIGRATION_LOCK = 7_391_002

/** Reads the migrations that this program has, in their order. */
export async function readMigrations(folder: URL = builtFolder('store/migrations')): Promise<readonly Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  return await Promise.all(
    names.map(async (name, at) => {
      const number = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(name)?.[1])
      if (number !== at + 1) throw new Error(`${name} is not the migration ${at + 1}`)
      const sql = await readFile(new URL(name, folder), 'utf8')
      return { number, name, digest: digestOf(sql), sql }
    }),
  )
}

/**
 * Brings the schema of a database to what this program wants: each missing migration in a transaction of its own, by one process
 * at a time. Idempotent. Rejects, having changed nothing, with `MIGRATION_CHANGED` where one that was applied is another one
 * here, and with `DATABASE_NEWER` where one was applied that is not known here.
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<void> {
  await database.alone(async (session) => {
    await session.query('wait for another migration', 'select pg_advisory_lock($1)', [MIGRATION_LOCK])
    await session.query(
      'prepare the schema',
      `create schema if not exists casemate;
       create table if not exists casemate.migration (
         number integer primary key, name text not null, digest text not null, applied timestamptz not null default now())`,
    )
    const applied = await appliedMigrations(session, database.name, migrations)
    for (const migration of migrations.slice(applied)) await apply(session, migration)
    await session.query('end the migration', 'select pg_advisory_unlock($1)', [MIGRATION_LOCK])
  })
}

/** How many of the migrations are applied. */
async function appliedMigrations(
  session: Session,
  database: string,
  migrations: readonly Migration[],
): Promise<number> {
  const rows = await session.query<{ number: number; name: string; digest: string }>(
    'read the schema',
    'select number, name, digest from casemate.migration order by number',
  )
  const newest = rows.at(-1)
  if (newest !== undefined && newest.number > migrations.length) {
    throw new StoreError(
      'DATABASE_NEWER',
      `cannot use the database ${database}: a newer Casemate has applied ${newest.name}, this one knows ${migrations.length} migrations`,
    )
  }
  for (const { number, name, digest } of rows) {
    const own = migrations[number - 1]
    if (own?.digest === digest) continue
    throw new StoreError(
      'MIGRATION_CHANGED',
      `cannot use the database ${database}: ${name} was applied as ${digest}, and is ${own?.digest} here`,
    )
  }
  return rows.length
}

async function apply(session: Session, { number, name, digest, sql }: Migration): Promise<void> {
  await session.query(`apply ${name}`, 'begin')
  await session.query(`apply ${name}`, sql)
  await session.query(`apply ${name}`, 'insert into casemate.migration (number, name, digest) values ($1, $2, $3)', [
    number,
    name,
    digest,
  ])
  await session.query(`apply ${name}`, 'commit')
}
