import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { digestOf } from '#core'
import { TEST_SERVERS, testServers } from '#testkit'
import { checkLedger } from '../ledger-check.ts'
import { openStore } from '../store.ts'
import { readBackup, writeBackup } from './backup-file.ts'
import { TABLES } from './format.ts'
import { fillHistory } from './sample-history.test.ts'

const servers = testServers()
const at = '2026-11-21T12:00:00.123Z'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cm-backup-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

for (const [from, to] of [
  ['embedded', 'debian'],
  ['debian', 'embedded'],
] as const) {
  test(`everything goes from ${from} to ${to} in a file, and back as the same file`, async (t) => {
    const folder = folderOf(t)
    const store = await servers.store(t, from)
    await fillHistory(store)
    const path = join(folder, 'backup.jsonl')
    const rows = await writeBackup(store.database, path)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    const tables = new Set(
      readFileSync(path, 'utf8')
        .matchAll(/"table":"(\w+)"/g)
        .map(([, table]) => table),
    )
    assert.deepEqual(tables, new Set(TABLES))

    const address = await servers.database(to)
    assert.equal(await readBackup(address, path), rows)
    const restored = await openStore(address)
    t.after(() => restored.close())
    assert.equal(await writeBackup(restored.database, join(folder, 'again.jsonl')), rows)
    assert.equal(readFileSync(join(folder, 'again.jsonl'), 'utf8'), readFileSync(path, 'utf8'))

    assert.deepEqual(await checkLedger(restored.ledger), await store.ledger.tip())
    const question = { archive: 'debian-13', source: 'openssl', below: '1:2' }
    const sorted = (images: readonly object[]) => images.map((image) => JSON.stringify(image)).sort()
    assert.deepEqual(
      sorted(await restored.releases.affected(question)),
      sorted(await store.releases.affected(question)),
    )
    assert.equal((await restored.releases.affected(question)).length, 2)
    const heads = 'select image, variant, release from casemate.image_head order by image'
    assert.deepEqual(await restored.database.query('look', heads), await store.database.query('look', heads))
    const notice = { kind: 'asked', subject: 'new', key: 'new', payload: null, seen: at } as const
    const ids = await Promise.all([store, restored].map(async ({ events }) => (await events.record([notice]))[0]?.id))
    assert.ok(
      ids.every((id) => (id ?? 0) > 1200),
      `new events got the numbers ${ids}`,
    )
  })
}

for (const server of TEST_SERVERS) {
  test(`every table of the schema is in a backup, but for what is made anew, ${server}`, async (t) => {
    const { database } = await servers.store(t, server)
    const tables = await database.query<{ name: string }>(
      'list tables',
      `select table_name as name from information_schema.tables where table_schema = 'casemate' and table_type = 'BASE TABLE'`,
    )
    const anew = ['head_manifest', 'image_head', 'migration']
    assert.deepEqual(tables.map(({ name }) => name).sort(), [...TABLES, ...anew].sort())
  })
}

const damages: [string, (text: string) => string, object][] = [
  ['an empty file', () => '', { code: 'BACKUP_INVALID', message: /line 1: it is empty/ }],
  [
    'something else',
    () => '{"spdxVersion":"SPDX-2.3"}\n',
    { code: 'BACKUP_INVALID', message: /line 1: it is no backup/ },
  ],
  [
    'a later format',
    (text) => text.replace('casemate backup 1', 'casemate backup 2'),
    { code: 'BACKUP_INVALID', message: /of the format "casemate backup 2"/ },
  ],
  [
    'another schema',
    (text) => text.replace(/sha256:\w{8}/, 'sha256:00000000'),
    { code: 'BACKUP_INVALID', message: /another Casemate has written it/ },
  ],
  [
    'a file that ends early',
    (text) => text.slice(0, text.trimEnd().lastIndexOf('\n') + 1),
    { code: 'BACKUP_INVALID', message: /the end is missing/ },
  ],
  [
    'a line that ends early',
    (text) => text.slice(0, text.length / 2),
    { code: 'BACKUP_INVALID', message: /no JSON in UTF-8/ },
  ],
  [
    'a row that is left out',
    (text) => text.replace(/\n\{"rows":[^\n]*"table":"approval"\}\n/, '\n'),
    { code: 'BACKUP_INVALID', message: /vouches for/ },
  ],
  [
    'another word',
    (text) => text.replace('"subject":"s7"', '"subject":"s8"'),
    { code: 'BACKUP_INVALID', message: /vouches for/ },
  ],
  [
    'a table that is none of ours',
    (text) => text.replace('"table":"approval"', '"table":"pg_authid"'),
    { code: 'BACKUP_INVALID', message: /pg_authid/ },
  ],
  [
    'more behind the end',
    (text) => `${text}{"rows":[],"table":"event"}\n`,
    { code: 'BACKUP_INVALID', message: /follows the end/ },
  ],
  ['a history that was changed, with a new end', forge, { code: 'LEDGER_BROKEN', message: /at entry 1/ }],
]

/** Changes an entry of the ledger, and makes the end vouch for it. */
function forge(text: string): string {
  const lines = text.trimEnd().split('\n')
  const changed = `${lines.slice(0, -1).join('\n').replace('"kind":"event","previous"', '"kind":"other","previous"')}\n`
  const end = JSON.parse(lines.at(-1) ?? '')
  return `${changed}${JSON.stringify({ ...end, digest: digestOf(changed) })}\n`
}

test('a damaged backup is refused by its line, and the database stays empty and can take the right one', async (t) => {
  const folder = folderOf(t)
  const store = await servers.store(t, 'debian')
  await fillHistory(store)
  const path = join(folder, 'backup.jsonl')
  const rows = await writeBackup(store.database, path)
  const text = readFileSync(path, 'utf8')
  const address = await servers.database('debian')
  const damaged = join(folder, 'damaged.jsonl')
  for (const [what, damage, wanted] of damages) {
    writeFileSync(damaged, damage(text))
    await assert.rejects(readBackup(address, damaged), wanted, what)
  }
  await assert.rejects(readBackup(address, join(folder, 'none')), { code: 'BACKUP_FAILED', message: /ENOENT/ })
  await assert.rejects(readBackup(address, folder), { code: 'BACKUP_FAILED', message: /EISDIR/ })
  assert.equal(await readBackup(address, path), rows)
  await assert.rejects(readBackup(address, path), { code: 'RESTORE_REFUSED', message: /event has rows/ })
})

test('a backup that cannot be written leaves nothing', async (t) => {
  const folder = folderOf(t)
  const store = await servers.store(t, 'debian')
  await assert.rejects(writeBackup(store.database, join(folder, 'none/backup')), {
    code: 'BACKUP_FAILED',
    message: /ENOENT/,
  })
  await store.database.query('break', 'alter table casemate.clock_mark rename to gone')
  await assert.rejects(writeBackup(store.database, join(folder, 'backup')), { code: 'DATABASE_FAILED' })
  assert.deepEqual(readdirSync(folder), [])
})
