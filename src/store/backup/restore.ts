import { createHash } from 'node:crypto'
import { digestFromHex, readLines } from '#core'
import type { Database, Session } from '../database.ts'
import { StoreError } from '../errors.ts'
import { checkLedger } from '../ledger-check.ts'
import { StoredLedger } from '../logs/ledger.ts'
import { type Migration, migrate } from '../migrations.ts'
import { jsonText } from '../session.ts'
import {
  type BackupHead,
  type BackupRows,
  invalid,
  type LinePlace,
  MAX_LINE,
  parseHead,
  parseLine,
  TABLES,
} from './format.ts'

/** A backup to be read: its bytes, and what messages call it. */
export interface BackupFile {
  readonly bytes: AsyncIterable<Uint8Array>
  readonly name: string
}

/**
 * Takes a backup back into a database that has nothing of the factory in it, whatever version of PostgreSQL either is of: the
 * schema as it was, all rows in one transaction, what is left of the migrations. Gives how many rows there are. Rejects with
 * `BACKUP_INVALID` where a byte is missing or another one, with `LEDGER_BROKEN` where the history in it was changed, with
 * `RESTORE_REFUSED` where rows are there already; nothing but empty tables is left then.
 */
export async function restoreBackup(
  database: Database,
  file: BackupFile,
  migrations: readonly Migration[],
): Promise<number> {
  const hash = createHash('sha256')
  const lines = readLines(file.bytes, {
    maxBytes: MAX_LINE,
    tooLong: (line) => invalid({ name: file.name, line }, `it has more than ${MAX_LINE} bytes`),
  })
  const first = await lines.next()
  const place = { name: file.name, line: 1 }
  if (first.done === true) throw invalid(place, 'it is empty')
  hash.update(first.value)
  const known = knownMigrations(parseHead(first.value, place), migrations, file.name)
  await refuseUsed(database)
  await migrate(database, known)
  // By hand and not as a transaction that may be tried again: the file is read once.
  const rows = await database.alone(async (session) => {
    await session.query('begin to restore', 'begin')
    const count = await restoreRows(session, lines, { name: file.name, hash })
    await restartNumbers(session)
    await checkLedger(new StoredLedger((work) => work(session)))
    await session.query('end restoring', 'commit')
    return count
  })
  await migrate(database, migrations)
  return rows
}

/** The migrations that the tables of a backup had: it may be older than this program, not newer. */
function knownMigrations(
  { migrations: had }: BackupHead,
  migrations: readonly Migration[],
  name: string,
): readonly Migration[] {
  const known = migrations.slice(0, had.length)
  if (had.length > 0 && known.length === had.length && known.every(({ digest }, at) => digest === had[at])) return known
  throw new StoreError(
    'BACKUP_INVALID',
    `cannot restore ${name}: another Casemate has written it, with migrations that are not known here`,
  )
}

async function refuseUsed(database: Database): Promise<void> {
  for (const table of TABLES) {
    const doing = 'look whether the database is empty'
    const [there] = await database.query(doing, 'select 1 as there where to_regclass($1) is not null', [
      `casemate.${table}`,
    ])
    if (there === undefined) continue
    const used = await database.query(doing, `select 1 from casemate.${table} limit 1`)
    if (used.length === 0) continue
    throw new StoreError(
      'RESTORE_REFUSED',
      `cannot restore into the database ${database.name}: ${table} has rows, want a new database`,
    )
  }
}

async function restoreRows(
  session: Session,
  lines: AsyncIterable<Uint8Array>,
  { name, hash }: { name: string; hash: ReturnType<typeof createHash> },
): Promise<number> {
  let count = 0
  let place: LinePlace = { name, line: 1 }
  let ended = false
  for await (const line of lines) {
    place = { name, line: place.line + 1 }
    if (ended) throw invalid(place, 'something follows the end')
    const value = parseLine(line, place)
    if ('table' in value) {
      hash.update(line)
      count += value.rows.length
      await insertRows(session, value)
      continue
    }
    const digest = digestFromHex(hash.digest('hex'))
    if (value.digest !== digest || value.rows !== count)
      throw invalid(place, `it vouches for ${value.rows} rows and ${value.digest}, found ${count} and ${digest}`)
    ended = true
  }
  if (!ended) throw invalid(place, 'the end is missing')
  return count
}

async function insertRows(session: Session, { table, rows }: BackupRows): Promise<void> {
  await session.query(
    `restore ${table}`,
    `insert into casemate.${table} overriding system value select * from jsonb_populate_recordset(null::casemate.${table}, $1::jsonb)`,
    [jsonText(rows)],
  )
}

/** Lets new rows have the numbers behind those that were restored. */
async function restartNumbers(session: Session): Promise<void> {
  const columns = await session.query<{ table: string; column: string }>(
    'find numbered tables',
    `select table_name as table, column_name as column from information_schema.columns
     where table_schema = 'casemate' and is_identity = 'YES' and table_name = any ($1)`,
    [TABLES],
  )
  for (const { table, column } of columns) {
    await session.query(
      `number ${table}`,
      `select setval(pg_get_serial_sequence('casemate.${table}', '${column}'), max(${column})) from casemate.${table} having max(${column}) is not null`,
    )
  }
}
