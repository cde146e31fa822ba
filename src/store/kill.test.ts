import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventKey, LedgerCheck } from '#factory'
import { databaseFolder, serverOptions, TEST_SERVERS } from '#testkit'
import { runningPostmaster } from './postgres/postmaster.ts'
import { startPostgres } from './postgres/server.ts'
import { type OpenStore, openStore } from './store.ts'

const WRITERS = 4
const KILLS = 3
const at = '2026-11-21T12:00:00.000Z'

/** Records an event and its note in one transaction, again and again; gives the keys whose transactions were acknowledged. */
async function write(store: OpenStore, name: string): Promise<string[]> {
  const acknowledged: string[] = []
  for (let number = 0; ; number++) {
    const key = eventKey('asked', name, number)
    const recorded = await store
      .transaction(async ({ events, ledger }) => {
        await events.record([{ kind: 'asked', subject: name, key, payload: { number }, seen: at }])
        await ledger.append([{ kind: 'event', subject: key, body: { number }, at }])
        return true
      })
      .catch(() => false)
    if (!recorded) return acknowledged
    acknowledged.push(key)
  }
}

for (const server of TEST_SERVERS) {
  test(`what was acknowledged before the server was killed is there, and the ledger holds, ${server}`, async (t) => {
    const folder = databaseFolder(t)
    const acknowledged: string[] = []
    for (let kill = 0; kill < KILLS; kill++) {
      const postgres = await startPostgres(serverOptions(server, folder))
      const stores = await Promise.all(Array.from({ length: WRITERS }, () => openStore(postgres.address)))
      const writing = stores.map((store, at) => write(store, `writer ${kill} ${at}`))
      await sleep(400)
      process.kill((await runningPostmaster(join(folder, 'cluster/data')))?.pid ?? 0, 'SIGKILL')
      acknowledged.push(...(await Promise.all(writing)).flat())
      await Promise.all(stores.map((store) => store.close()))
      await postgres.stop()
    }
    const postgres = await startPostgres(serverOptions(server, folder))
    t.after(() => postgres.stop())
    const store = await openStore(postgres.address)
    t.after(() => store.close())
    const entries = await store.ledger.read(0, 1_000_000)
    const check = new LedgerCheck()
    for (const entry of entries) check.add(entry)
    const there = new Set((await store.events.open(1_000_000)).map(({ key }) => key))
    const noted = new Set(entries.map(({ subject }) => subject))
    assert.ok(acknowledged.length > KILLS * WRITERS, `only ${acknowledged.length} were acknowledged`)
    assert.deepEqual(
      acknowledged.filter((key) => !there.has(key) || !noted.has(key)),
      [],
    )
    // Both parts of a transaction, or none.
    assert.deepEqual(noted, there)
  })
}
