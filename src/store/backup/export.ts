import { createHash } from 'node:crypto'
import { type Digest, digestFromHex, type Json } from '#core'
import type { Database, Session } from '../database.ts'
import { BACKUP_FORMAT, formatLine, TABLES } from './format.ts'

/** Rows at a time: what is in memory. */
const BATCH = 500

/**
 * Writes everything that the factory remembers, as of one moment, while others go on writing: a line at a time to `write`, which
 * is waited for. Gives how many rows there were. Rejects as the database and `write` do; what was written until then has no end
 * and is refused when it is to be restored.
 */
export async function exportBackup(database: Database, write: (line: string) => Promise<void>): Promise<number> {
  const hash = createHash('sha256')
  const put = async (line: string) => {
    hash.update(line)
    await write(line)
  }
  return await database.alone(async (session) => {
    await session.query('begin a backup', 'begin isolation level repeatable read, read only')
    const migrations = await session.query<{ digest: Digest }>(
      'read the schema',
      'select digest from casemate.migration order by number',
    )
    await put(formatLine({ format: BACKUP_FORMAT, migrations: migrations.map(({ digest }) => digest) }))
    let count = 0
    for (const table of TABLES) {
      for await (const rows of rowsOf(session, table)) {
        await put(formatLine({ table, rows }))
        count += rows.length
      }
    }
    await write(formatLine({ rows: count, digest: digestFromHex(hash.digest('hex')) }))
    await session.query('end a backup', 'commit')
    return count
  })
}

/** The rows of a table in the order of their keys, so that the same history gives the same bytes. */
async function* rowsOf(session: Session, table: string): AsyncGenerator<readonly Json[]> {
  const doing = `read ${table} for a backup`
  const [key] = await session.query<{ columns: string }>(
    doing,
    `select string_agg(quote_ident(a.attname) || case when a.attcollation = 0 then '' else ' collate "C"' end, ', ' order by array_position(i.indkey::int2[], a.attnum)) as columns
     from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey::int2[])
     where i.indrelid = $1::regclass and i.indisprimary`,
    [`casemate.${table}`],
  )
  await session.query(
    doing,
    `declare backup no scroll cursor for select to_jsonb(t) as row from casemate.${table} t order by ${key?.columns}`,
  )
  for (;;) {
    const rows = await session.query<{ row: Json }>(doing, `fetch ${BATCH} from backup`)
    if (rows.length > 0) yield rows.map(({ row }) => row)
    if (rows.length < BATCH) break
  }
  await session.query(doing, 'close backup')
}
