import assert from 'node:assert/strict'
import { test } from 'node:test'
import { databaseFolder, killDatabase, serverOptions, TEST_SERVERS } from '#testkit'

const KILLS = 3

for (const server of TEST_SERVERS) {
  test(`what was acknowledged before the server was killed is there, and the ledger holds, ${server}`, async (t) => {
    const { acknowledged, lost, torn } = await killDatabase(serverOptions(server, databaseFolder(t)), KILLS, 800)
    assert.ok(acknowledged > KILLS, `only ${acknowledged} were acknowledged`)
    assert.deepEqual({ lost, torn }, { lost: [], torn: [] })
  })
}
