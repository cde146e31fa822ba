import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf, type Json } from '#core'
import { eventKey } from '#factory'
import { TEST_SERVERS, type TestServer, testServers } from '#testkit'
import { exportBackup } from './backup/export.ts'
import { BACKUP_FORMAT, formatLine, parseLine, TABLES } from './backup/format.ts'
import { restoreBackup } from './backup/restore.ts'
import { fillHistory } from './backup/sample-history.test.ts'
import { Database } from './database.ts'
import { checkLedger } from './ledger-check.ts'
import { migrate, readMigrations } from './migrations.ts'
import { openStore } from './store.ts'

const servers = testServers()
const at = '2026-11-22T12:00:00.000Z'
const migrations = await readMigrations()

type Row = Readonly<Record<string, Json>>
type Rows = ReadonlyMap<string, readonly Row[]>

/** Every row that is remembered, by table, in the order of keys. */
async function rowsOf(database: Database): Promise<Rows> {
  const rows = new Map<string, Row[]>(TABLES.map((table) => [table, []]))
  let number = 0
  await exportBackup(database, async (line) => {
    // The first line is the head.
    if (++number === 1) return
    const value = parseLine(Buffer.from(line.trimEnd()), { name: 'a backup', line: number })
    if ('table' in value) rows.get(value.table)?.push(...value.rows.filter(isRow))
  })
  return rows
}

function isRow(value: Json): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The columns that each table has. */
async function columnsOf(database: Database): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const found = await database.query<{ table: string; columns: string[] }>(
    'look',
    `select table_name::text as table, array_agg(column_name::text) as columns from information_schema.columns
     where table_schema = 'casemate' group by 1`,
  )
  return new Map(found.map(({ table, columns }) => [table, new Set(columns)]))
}

/** As much of some rows as a schema has tables and columns for. */
function heldBy(columns: ReadonlyMap<string, ReadonlySet<string>>, rows: Rows): Rows {
  const tables = [...rows].filter(([table]) => columns.has(table))
  return new Map(
    tables.map(([table, list]) => {
      const known = columns.get(table) ?? new Set()
      return [table, list.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => known.has(name))))]
    }),
  )
}

/** A backup as a program wrote it that had the first so many migrations. */
function backupOf(rows: Rows, count: number) {
  const lines = [
    formatLine({ format: BACKUP_FORMAT, migrations: migrations.slice(0, count).map(({ digest }) => digest) }),
  ]
  for (const table of TABLES) {
    const list = rows.get(table) ?? []
    if (list.length > 0) lines.push(formatLine({ table, rows: list }))
  }
  const all = [...rows.values()].reduce((sum, list) => sum + list.length, 0)
  lines.push(formatLine({ rows: all, digest: digestOf(lines.join('')) }))
  const bytes = (async function* () {
    yield Buffer.from(lines.join(''))
  })()
  return { bytes, name: `a backup of ${count} migrations` }
}

/** A database as the program left it that had the first so many migrations, full of what it could remember. */
async function olderDatabase(server: TestServer, count: number) {
  const full = await openStore(await servers.database(server))
  await fillHistory(full)
  const everything = await rowsOf(full.database)
  await full.close()
  const address = await servers.database(server)
  const database = await Database.open(address)
  await migrate(database, migrations.slice(0, count))
  const rows = heldBy(await columnsOf(database), everything)
  await restoreBackup(database, backupOf(rows, count), migrations.slice(0, count))
  await database.close()
  return { address, rows }
}

for (const server of TEST_SERVERS) {
  for (const { number, name } of migrations) {
    test(`a database of ${name} with history is brought up to date by processes that open it at once, and keeps all, ${server}`, async (t) => {
      const { address, rows } = await olderDatabase(server, number)
      const stores = await Promise.all(Array.from({ length: 3 }, () => openStore(address)))
      t.after(() => Promise.all(stores.map((store) => store.close())))
      const [store] = stores
      assert.ok(store !== undefined)
      const applied = 'select name, digest from casemate.migration order by number'
      assert.deepEqual(
        await store.database.query('look', applied),
        migrations.map((one) => ({ name: one.name, digest: one.digest })),
      )
      const before = await Database.open(address)
      const kept = heldBy(
        new Map([...rows].map(([table, list]) => [table, new Set(list.flatMap(Object.keys))])),
        await rowsOf(before),
      )
      await before.close()
      for (const [table, list] of rows) assert.deepEqual(kept.get(table), list, table)

      const tip = await checkLedger(store.ledger)
      const noticed = {
        kind: 'asked',
        subject: 'new',
        key: eventKey('asked', 'new', 1),
        payload: null,
        seen: at,
      } as const
      await store.transaction(async ({ events, ledger }) => {
        await events.record([noticed])
        await ledger.append([{ kind: 'event', subject: 'new', body: {}, at }])
      })
      assert.equal((await checkLedger(store.ledger)).sequence, tip.sequence + 1)
      assert.equal((await store.fleet.heads()).length, 2)
    })
  }

  test(`each older program refuses a database that this one has migrated, and changes nothing in it, ${server}`, async (t) => {
    const store = await openStore(await servers.database(server))
    t.after(() => store.close())
    await fillHistory(store)
    const before = await rowsOf(store.database)
    for (const { number, name } of migrations.slice(0, -1)) {
      const older = migrate(store.database, migrations.slice(0, number))
      const last = migrations.at(-1)?.name ?? ''
      await assert.rejects(
        older,
        {
          code: 'DATABASE_NEWER',
          message: new RegExp(`a newer Casemate has applied ${last}, this one knows ${number} migrations`),
        },
        name,
      )
    }
    assert.deepEqual(await rowsOf(store.database), before)
  })
}
