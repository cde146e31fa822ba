import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { TEST_SERVERS, testServers } from '#testkit'
import { Database } from './database.ts'
import { type Migration, migrate, readMigrations } from './migrations.ts'
import { openStore } from './store.ts'

const servers = testServers()

function migration(number: number, sql: string): Migration {
  return { number, name: `000${number}-test.sql`, digest: digestOf(sql), sql }
}

for (const server of TEST_SERVERS) {
  test(`processes that open a new database at once migrate it once, ${server}`, async (t) => {
    const address = await servers.database(server)
    const stores = await Promise.all(Array.from({ length: 4 }, () => openStore(address)))
    t.after(() => Promise.all(stores.map((store) => store.close())))
    const rows = await stores[0]?.database.query('look', 'select name, digest from casemate.migration order by number')
    assert.deepEqual(
      rows,
      (await readMigrations()).map(({ name, digest }) => ({ name, digest })),
    )
  })

  test(`a migration is applied whole or not at all, ${server}`, async (t) => {
    const database = await Database.open(await servers.database(server))
    t.after(() => database.close())
    const good = migration(1, 'create table casemate.one (n int)')
    const bad = migration(2, 'create table casemate.two (n int); select 1 / 0')
    await assert.rejects(migrate(database, [good, bad]), {
      code: 'RECORD_REFUSED',
      message: /0002-test\.sql: division by zero/,
    })
    const tables = 'select table_name as name from information_schema.tables where table_schema = $1 order by 1'
    assert.deepEqual(await database.query('look', tables, ['casemate']), [{ name: 'migration' }, { name: 'one' }])
    await migrate(database, [good, migration(2, 'create table casemate.two (n int)')])
    assert.equal((await database.query('look', tables, ['casemate'])).length, 3)
  })

  test(`a migration that was changed after it was applied is refused, ${server}`, async (t) => {
    const database = await Database.open(await servers.database(server))
    t.after(() => database.close())
    await migrate(database, [migration(1, 'select 1')])
    const changed = [migration(1, 'select 2'), migration(2, 'create table casemate.two (n int)')]
    await assert.rejects(migrate(database, changed), {
      code: 'MIGRATION_CHANGED',
      message: /0001-test\.sql was applied as sha256:/,
    })
    assert.deepEqual(await database.query('look', "select 1 from pg_tables where tablename = 'two'"), [])
  })

  test(`a database that a newer program has migrated is refused, ${server}`, async (t) => {
    const database = await Database.open(await servers.database(server))
    t.after(() => database.close())
    await migrate(database, [migration(1, 'select 1'), migration(2, 'select 2')])
    const refused = migrate(database, [migration(1, 'select 1')])
    await assert.rejects(refused, { code: 'DATABASE_NEWER', message: /has applied 0002-test\.sql, this one knows 1/ })
  })

  test(`a database that is not in UTF-8 is refused, ${server}`, async (t) => {
    const address = await servers.database(server)
    const database = await Database.open(address)
    t.after(() => database.close())
    const name = `${address.database}_latin`
    await database.query('make', `create database ${name} template template0 encoding 'LATIN1' locale 'C'`)
    const refused = Database.open({ ...address, database: name })
    await assert.rejects(refused, { code: 'DATABASE_UNSAFE', message: /server_encoding is LATIN1, want UTF8/ })
  })

  test(`a database that acknowledges before it has written is refused, ${server}`, async () => {
    const address = await servers.database(server)
    const database = await Database.open(address)
    await database.query('make unsafe', `alter database ${address.database} set synchronous_commit = off`)
    await database.close()
    await assert.rejects(Database.open(address), { code: 'DATABASE_UNSAFE', message: /synchronous_commit is off/ })
  })

  test(`times are the same whatever is set for a database, ${server}`, async (t) => {
    const address = await servers.database(server)
    const first = await Database.open(address)
    await first.query('set', `alter database ${address.database} set datestyle = 'German, DMY'`)
    await first.query('set', `alter database ${address.database} set timezone = 'Asia/Kathmandu'`)
    await first.close()
    const database = await Database.open(address)
    t.after(() => database.close())
    const rows = await database.query('ask', "select timestamptz '2026-11-02T12:00:00.120Z' as at")
    assert.deepEqual(rows, [{ at: '2026-11-02T12:00:00.120Z' }])
  })
}
