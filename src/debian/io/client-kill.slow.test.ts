import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killClients } from '#testkit'

// `npm run proof -- client-kill` does it 200 times.
test('a client that is killed at any moment leaves a cache on which the next one succeeds', async (t) => {
  const { killed, failures } = await killClients(t, 10)
  assert.deepEqual(failures, [])
  assert.equal(killed, 10)
})
