import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { databaseFolder, serverOptions, TEST_POSTGRES_USER, TEST_SERVERS } from '#testkit'
import { Database } from '../database.ts'
import { postgresAccount } from './account.ts'
import { runningPostmaster } from './postmaster.ts'
import { type EmbeddedOptions, embeddedAddress, startPostgres } from './server.ts'

const owner = resolve(import.meta.dirname, '../../testkit/postgres-owner.ts')

/** Starts a database that is stopped with the test. */
async function started(t: TestContext, options: EmbeddedOptions) {
  const postgres = await startPostgres(options)
  t.after(() => postgres.stop())
  return postgres
}

/** A database in this folder to ask one thing. */
async function ask<Row extends object>(folder: string, text: string): Promise<Row[]> {
  const database = await Database.open(await embeddedAddress(folder))
  try {
    return await database.query<Row>('ask', text)
  } finally {
    await database.close()
  }
}

/** A process that starts a database as if in another container: with process numbers and shared memory of its own. */
function elsewhere(options: EmbeddedOptions) {
  const container = ['--dev-bind', '/', '/', '--proc', '/proc', '--unshare-pid', '--unshare-ipc', '--die-with-parent']
  const program = [process.execPath, '--conditions=source', owner, JSON.stringify(options)]
  const child = spawn('bwrap', [...container, '--', ...program], { stdio: ['ignore', 'pipe', 'pipe'] })
  const first = Promise.race([once(child.stdout, 'data'), once(child, 'close')])
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  return { child, said: first.then(([text]) => (Buffer.isBuffer(text) ? text.toString() : errors)) }
}

const data = (folder: string) => join(folder, 'cluster/data')

for (const server of TEST_SERVERS) {
  test(`what was acknowledged is there after a stop, and nobody else could have come in, ${server}`, async (t) => {
    const folder = databaseFolder(t)
    const options = serverOptions(server, folder)
    const first = await started(t, options)
    assert.match(first.version, server === 'embedded' ? /^18\./ : /^1[5-9]\./)
    await ask(folder, 'create table kept as select 7 as seven')
    assert.deepEqual(await ask(folder, 'show listen_addresses'), [{ listen_addresses: '' }])
    const address = await embeddedAddress(folder)
    const guess = Database.open({ ...address, password: 'guess' })
    await assert.rejects(guess, { code: 'DATABASE_FAILED', message: /password authentication failed/ })
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    assert.equal(statSync(join(folder, 'cluster/password')).mode & 0o777, 0o600)
    await first.stop()
    assert.equal(await runningPostmaster(data(folder)), undefined)
    await started(t, options)
    assert.deepEqual(await ask(folder, 'select seven from kept'), [{ seven: 7 }])
  })

  test(`every commit is synced before it is acknowledged, ${server}`, async (t) => {
    const folder = databaseFolder(t)
    const { address } = await started(t, serverOptions(server, folder))
    const database = await Database.open(address, { connections: 1 })
    t.after(() => database.close())
    const syncs = async () => {
      await database.query('flush the statistics', 'select pg_stat_force_next_flush()')
      const table =
        server === 'embedded'
          ? "sum(fsyncs) as n from pg_stat_io where object = 'wal'"
          : 'wal_sync as n from pg_stat_wal'
      const [row] = await database.query<{ n: string }>('count syncs', `select ${table}`)
      return Number(row?.n)
    }
    await database.query('prepare', 'create table kept (number int)')
    const before = await syncs()
    for (let number = 0; number < 25; number++) await database.query('insert', 'insert into kept values ($1)', [number])
    assert.ok((await syncs()) >= before + 25, `${await syncs()} syncs after ${before}`)
    const [row] = await database.query(
      'look',
      `select string_agg(name || '=' || setting, ' ' order by name) as all from pg_settings
      where name in ('fsync', 'full_page_writes', 'synchronous_commit', 'data_checksums')`,
    )
    assert.deepEqual(row, { all: 'data_checksums=on fsync=on full_page_writes=on synchronous_commit=on' })
  })

  test(`a second process is refused, and the first one's database goes on, ${server}`, async (t) => {
    const folder = databaseFolder(t)
    const options = serverOptions(server, folder)
    const first = await started(t, options)
    await assert.rejects(startPostgres(options), {
      code: 'DATABASE_LOCKED',
      message: /another process runs it \(casemate \d+\)/,
    })
    assert.deepEqual(await ask(folder, 'select 1 as one'), [{ one: 1 }])
    await first.stop()
    await started(t, options)
  })

  test(`of processes that start at once in an empty folder one gets it, ${server}`, async (t) => {
    const folder = databaseFolder(t)
    const results = await Promise.allSettled(Array.from({ length: 3 }, () => started(t, serverOptions(server, folder))))
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
    assert.deepEqual(refused, ['DATABASE_LOCKED', 'DATABASE_LOCKED'])
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('new-')),
      [],
    )
    assert.deepEqual(await ask(folder, 'select 1 as one'), [{ one: 1 }])
  })

  test(`a process of another container starts no second server, and takes over what is left, ${server}`, async (t) => {
    const folder = databaseFolder(t)
    const options = serverOptions(server, folder)
    const first = await started(t, options)
    await ask(folder, 'create table kept as select 7 as seven')
    const refused = elsewhere(options)
    assert.match(await refused.said, /another process runs it \(casemate \d+\)[\s\S]*DATABASE_LOCKED/)
    assert.deepEqual(await ask(folder, 'select seven from kept'), [{ seven: 7 }])
    await first.stop()
    const other = elsewhere(options)
    t.after(() => other.child.kill('SIGKILL'))
    assert.match(await other.said, /started/)
    await assert.rejects(startPostgres(options), { code: 'DATABASE_LOCKED' })
    assert.deepEqual(await ask(folder, 'select seven from kept'), [{ seven: 7 }])
    other.child.kill('SIGKILL')
    await once(other.child, 'close')
    await started(t, options)
    assert.deepEqual(await ask(folder, 'select seven from kept'), [{ seven: 7 }])
  })

  test(`a server that its killed owner left is taken over, ${server}`, async (t) => {
    const folder = databaseFolder(t)
    const options = serverOptions(server, folder)
    const child = spawn(process.execPath, ['--conditions=source', owner, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    const left = await runningPostmaster(data(folder))
    child.kill('SIGKILL')
    await once(child, 'close')
    const postgres = await started(t, options)
    assert.equal((await runningPostmaster(data(folder)))?.pid, left?.pid)
    await postgres.stop()
    assert.equal(await runningPostmaster(data(folder)), undefined)
  })

  test(`a killed server is told of, and started again though its number is another process's, ${server}`, async (t) => {
    const folder = databaseFolder(t)
    const options = serverOptions(server, folder)
    const first = await started(t, options)
    await ask(folder, 'create table kept as select 7 as seven')
    const file = join(data(folder), 'postmaster.pid')
    const left = readFileSync(file, 'utf8')
    process.kill(Number.parseInt(left, 10), 'SIGKILL')
    assert.match((await first.lost).message, /is gone/)
    // As in a container that is started again, where the same small numbers are given to others.
    writeFileSync(file, left.replace(/^\d+/, String(process.pid)))
    await started(t, options)
    assert.deepEqual(await ask(folder, 'select seven from kept'), [{ seven: 7 }])
  })
}

test('files of a version that nothing here can serve are left alone, and the words say what to install', async (t) => {
  const folder = databaseFolder(t)
  mkdirSync(data(folder), { recursive: true })
  writeFileSync(join(data(folder), 'PG_VERSION'), '14\n')
  const start = startPostgres(serverOptions('embedded', folder))
  await assert.rejects(start, {
    code: 'POSTGRES_MISSING',
    message: /cannot find PostgreSQL 14: .*18\.\d.*install Debian's package postgresql-14/,
  })
  assert.deepEqual(readdirSync(data(folder)), ['PG_VERSION'])
})

test('programs that are none are named', async (t) => {
  const folder = databaseFolder(t)
  const options = { folder, user: TEST_POSTGRES_USER, programs: '/usr/share' }
  await assert.rejects(startPostgres(options), { code: 'POSTGRES_MISSING', message: /\/usr\/share does not run here/ })
})

test('a folder whose path is too long for a socket is refused before anything is made', async (t) => {
  const folder = join(databaseFolder(t), 'x'.repeat(90))
  await assert.rejects(startPostgres(serverOptions('embedded', folder)), {
    code: 'POSTGRES_FAILED',
    message: /too long for a socket/,
  })
})

test('what a killed process left half-made does not matter', async (t) => {
  const folder = databaseFolder(t)
  mkdirSync(join(folder, 'new-abcdef/data'), { recursive: true })
  writeFileSync(join(folder, 'new-abcdef/data/PG_VERSION'), '18\n')
  await started(t, serverOptions('embedded', folder))
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('new-')),
    [],
  )
})

test('whoever is not root is who PostgreSQL runs as; root names an existing user that is not root', async () => {
  if (process.getuid?.() !== 0) return assert.equal((await postgresAccount('nobody')).uid, process.getuid?.())
  assert.ok((await postgresAccount(TEST_POSTGRES_USER)).uid > 0)
  await assert.rejects(postgresAccount(undefined), { code: 'POSTGRES_USER', message: /CASEMATE_POSTGRES_USER=/ })
  await assert.rejects(postgresAccount('root'), { code: 'POSTGRES_USER' })
  await assert.rejects(postgresAccount('--help'), { code: 'POSTGRES_USER', message: /no such user/ })
})

test('a folder that the user of PostgreSQL cannot come to is refused by the name of what is in the way', async (t) => {
  const closed = databaseFolder(t)
  const folder = join(closed, 'below')
  // Whoever is not root runs PostgreSQL as itself, and then nothing of its own is in the way.
  if (process.getuid?.() !== 0) return void (await started(t, { folder }))
  chmodSync(closed, 0o700)
  const refused = startPostgres(serverOptions('embedded', folder))
  await assert.rejects(refused, { code: 'POSTGRES_USER', message: new RegExp(`may not pass through ${closed}$`) })
})
