import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStore, startPostgres } from '#store'
import { databaseFolder, fillFactory, serverOptions, testApi } from '#testkit'

test('while the database is away every request that needs it is told when to come again, and after that it is served', async (t) => {
  const options = serverOptions('embedded', databaseFolder(t))
  let postgres = await startPostgres(options)
  t.after(() => postgres.stop())
  const store = await openStore(postgres.address)
  await fillFactory(store)
  const told: unknown[] = []
  const { ask, token } = await testApi(t, store, { onError: (error) => told.push(error) })
  t.after(() => store.close())
  const bearer = await token('admin')
  assert.equal((await ask('/readyz')).status, 200)
  await postgres.stop()
  const requests: [string, string, object | undefined][] = [
    ['GET', '/api/v1/images', undefined],
    ['GET', '/api/v1/runs', undefined],
    ['GET', '/readyz', undefined],
    ['POST', '/api/v1/images/base/rebuild', { reason: 'the database is away' }],
  ]
  for (const [method, target, body] of requests) {
    const headers = { 'idempotency-key': 'one' }
    const { status, headers: answered } = await ask(target, { method, token: bearer, body, headers })
    assert.deepEqual([status, answered.get('retry-after')], [503, '5'], `${method} ${target}`)
  }
  assert.equal((await ask('/healthz')).status, 200, 'who would start it again does it no good')
  assert.ok(told.length > 0, 'the operator is told why')
  postgres = await startPostgres(options)
  assert.equal((await ask('/readyz')).status, 200)
  assert.equal((await ask('/api/v1/images', { token: bearer })).status, 200)
})
