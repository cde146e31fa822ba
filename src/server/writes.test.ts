import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { digestOf } from '#core'
import { addressBehind } from '#oci/registry'
import { fillFactory, TEST_NOW, testApi, testServers } from '#testkit'

const servers = testServers()

interface Page<Item> {
  readonly items: readonly Item[]
  readonly next: string | null
}

/** A store of its own with some history, and an API over it. */
async function ownApi(t: TestContext) {
  const store = await servers.store(t, 'embedded')
  const filled = await fillFactory(store)
  return { store, filled, api: await testApi(t, store) }
}

test('a rebuild that is asked for twice with a key is one event, and with another key another', async (t) => {
  const { store, api } = await ownApi(t)
  const [token, other] = [await api.token('operator'), await api.token('operator')]
  const ask = (key: string, as = token) =>
    api.ask<{ id: number; payload: { by: string; reason: string } }>('/api/v1/images/base/rebuild', {
      ...{ method: 'POST', token: as, headers: { 'idempotency-key': key }, body: { reason: `because of ${key}` } },
    })
  const first = await ask('one')
  assert.equal(first.status, 201)
  assert.deepEqual([first.body.payload.by, first.body.payload.reason], ['operator 1', 'because of one'])
  const again = await ask('one')
  assert.deepEqual([again.status, again.body], [200, first.body])
  assert.notEqual((await ask('two')).body.id, first.body.id)
  assert.notEqual((await ask('one', other)).body.id, first.body.id)
  const keyless = await api.ask<{ detail: string }>('/api/v1/images/base/rebuild', {
    method: 'POST',
    token,
    body: { reason: 'x' },
  })
  assert.deepEqual(
    [keyless.status, keyless.body.detail],
    [400, 'cannot take the request: header: `idempotency-key` is missing'],
  )
  assert.equal((await store.events.open(100)).filter(({ subject }) => subject === 'base').length, 3)
})

test('an approval and a hold are recorded with whose token it was, and a hold ends', async (t) => {
  const { store, filled, api } = await ownApi(t)
  const token = await api.token('approver')
  const words = { image: 'team-a/app', approved: true, reason: 'tested by hand' }
  const approved = await api.ask<object>(`/api/v1/plans/${filled.plan}/approvals`, {
    method: 'POST',
    token,
    body: words,
  })
  const approval = { plan: filled.plan, ...words, by: 'approver 1', given: TEST_NOW }
  assert.deepEqual([approved.status, approved.body], [201, approval])
  assert.deepEqual(
    (await api.ask<{ items: object[] }>(`/api/v1/plans/${filled.plan}/approvals`, { token })).body.items,
    [approval],
  )

  const until = '2026-12-01T00:00:00.000Z'
  const held = await api.ask<{ id: number }>('/api/v1/holds', {
    method: 'POST',
    token,
    body: { image: 'base', reason: 'fair', until },
  })
  assert.deepEqual([held.status, held.headers.get('location')], [201, `/api/v1/holds/${held.body.id}`])
  assert.deepEqual(
    (await store.decisions.holds(TEST_NOW)).map(({ image, by }) => [image, by]),
    [['base', 'approver 1']],
  )
  const past = await api.ask('/api/v1/holds', {
    method: 'POST',
    token,
    body: { image: 'base', reason: 'x', until: TEST_NOW },
  })
  assert.equal(past.status, 400)
  for (const status of [200, 404]) {
    assert.equal((await api.ask(`/api/v1/holds/${held.body.id}`, { method: 'DELETE', token })).status, status)
  }
  assert.deepEqual(await store.decisions.holds(TEST_NOW), [])
  assert.deepEqual(
    (await store.ledger.read(0, 100)).slice(-5).map(({ kind, subject }) => [kind, subject]),
    [
      ['approval', 'team-a/app'],
      ['hold', 'base'],
      ['refusal', 'hold'],
      ['hold', 'base'],
      ['refusal', 'hold'],
    ],
  )
})

test('who answers for a late finding stands in the ledger, and the finding is excused until then', async (t) => {
  const store = await servers.store(t, 'embedded')
  await fillFactory(store)
  let now = new Date(TEST_NOW)
  const api = await testApi(t, store, { now: () => now })
  const token = await api.token('approver')
  const finding = 'CVE-2026-1000'
  const until = '2026-12-24T00:00:00.000Z'
  const excuse = (target: string, body: object) =>
    api.ask<object>(`/api/v1/images/${target}/excuses`, {
      method: 'POST',
      token,
      body: { reason: 'no path to it', until, ...body },
    })
  const given = await excuse('base', { finding })
  const wanted = { image: 'base', finding, by: 'approver 1', reason: 'no path to it', until, given: TEST_NOW }
  assert.deepEqual([given.status, given.body], [201, wanted])
  assert.equal((await excuse('base', { finding: 'CVE-2026-100' })).status, 404)
  assert.equal((await excuse('none', { finding })).status, 404)
  assert.equal((await excuse('base', { finding, until: TEST_NOW })).status, 400)
  now = new Date('2026-12-20T00:00:00.000Z')
  const states = async (image: string) => {
    const { body } = await api.ask<Page<{ state: string; excuse: object | null }>>(`/api/v1/images/${image}/findings`, {
      token,
    })
    return body.items.map(({ state, excuse }) => [state, excuse])
  }
  assert.deepEqual(await states('base'), [
    ['excused', wanted],
    ['waiting', null],
  ])
  assert.deepEqual(await states('team-a%2Fapp'), [
    ['breached', null],
    ['waiting', null],
  ])
})

test('every write and every refusal is in the audit trail, and in the ledger', async (t) => {
  const { store, api } = await ownApi(t)
  const [admin, reader] = [await api.token('admin'), await api.token('reader', ['base'])]
  await api.ask('/api/v1/holds', { method: 'POST', token: admin, body: { image: 'base', reason: 'x' } })
  await api.ask('/api/v1/holds', { method: 'POST', token: reader, body: { image: 'base', reason: 'x' } })
  await api.ask('/api/v1/releases/3', { token: reader })
  await api.ask('/api/v1/images', { token: `casemate_${'A'.repeat(43)}` })
  await api.ask('/api/v1/images')
  await api.ask('/api/v1/images', { token: admin })
  const { body } = await api.ask<Page<Record<string, unknown>>>('/api/v1/audit', { token: admin })
  const rows = body.items.map(({ who, action, target, status, reason }) => [who, action, target, status, reason])
  assert.deepEqual(rows.slice(0, 5), [
    ['unknown', 'read', 'GET /api/v1/images', 401, 'cannot do this without a token'],
    [
      'unknown',
      'read',
      'GET /api/v1/images',
      401,
      'cannot take the token: it is not known here, was revoked, or has expired',
    ],
    [
      'reader 2',
      'read',
      'GET /api/v1/releases/3',
      404,
      'cannot find release 3: there is none, or the token is not for it',
    ],
    ['reader 2', 'hold', 'POST /api/v1/holds', 403, 'cannot hold: it is not among the rights of a reader'],
    ['admin 1', 'hold', 'POST /api/v1/holds', 201, null],
  ])
  assert.ok(body.items.every(({ address, request }) => /^127\./.test(String(address)) || request === '-'))
  const kinds = (await store.ledger.read(0, 100)).map(({ kind }) => kind)
  assert.deepEqual(kinds.slice(-5), ['hold', 'refusal', 'refusal', 'refusal', 'refusal'])
})

test('a token is shown once, works at once, and after it is revoked or has expired no more', async (t) => {
  const store = await servers.store(t, 'embedded')
  let now = new Date(TEST_NOW)
  const api = await testApi(t, store, { now: () => now })
  const admin = await api.token('admin')
  const wish = { name: 'ci of team a', role: 'reader', images: ['team-a/*'], expires: '2026-11-23T00:00:00.000Z' }
  const made = await api.ask<{ id: number; secret: string }>('/api/v1/tokens', {
    method: 'POST',
    token: admin,
    body: wish,
  })
  assert.equal(made.status, 201)
  const { secret, id } = made.body
  assert.match(secret, /^casemate_[\w-]{43}$/)
  assert.deepEqual((await api.ask('/api/v1/me', { token: secret })).body, {
    token: id,
    name: wish.name,
    role: 'reader',
    images: wish.images,
  })
  const kept = await store.database.query('look', 'select to_jsonb(t)::text as row from casemate.access_token t')
  assert.ok(!JSON.stringify(kept).includes(secret.slice(9)) && JSON.stringify(kept).includes(digestOf(secret)))
  assert.ok(!JSON.stringify((await api.ask('/api/v1/tokens', { token: admin })).body).includes('sha256'))
  now = new Date(wish.expires)
  assert.equal((await api.ask('/api/v1/me', { token: secret })).status, 401)
  now = new Date(TEST_NOW)
  assert.equal((await api.ask('/api/v1/me', { token: secret })).status, 200)
  for (const turn of ['first', 'second']) {
    const { status, body } = await api.ask<{ revoked: { by: string } }>(`/api/v1/tokens/${id}`, {
      method: 'DELETE',
      token: admin,
    })
    assert.deepEqual([turn, status, body.revoked.by], [turn, 200, 'admin 1'])
  }
  assert.equal((await api.ask('/api/v1/me', { token: secret })).status, 401)
})

test('a token that cannot be is not made', async (t) => {
  const { api } = await ownApi(t)
  const token = await api.token('admin')
  const good = { name: 'a', role: 'reader', images: ['**'] }
  const bad: [object, RegExp][] = [
    [{ ...good, role: 'root' }, /role: found "root", want one of reader, approver, operator, admin/],
    [{ ...good, images: [] }, /images: found an empty list/],
    [{ ...good, images: ['Team'] }, /images\[0\]: found "Team"/],
    [{ ...good, name: 'a\u001b[31m' }, /name: found/],
    [{ ...good, expires: '2020-01-01T00:00:00.000Z' }, /it would have expired/],
    [{ ...good, rolle: 1 }, /unknown key `rolle`: did you mean `role`\?/],
  ]
  for (const [body, message] of bad) {
    const answer = await api.ask<{ detail: string }>('/api/v1/tokens', { method: 'POST', token, body })
    assert.equal(answer.status, 400)
    assert.match(answer.body.detail, message)
  }
})

test('a run is cancelled while it has not ended, by whose token and why', async (t) => {
  const { store, filled, api } = await ownApi(t)
  const token = await api.token('operator')
  const cancel = () =>
    api.ask<{ code: string }>(`/api/v1/runs/${filled.run}/cancel`, {
      method: 'POST',
      token,
      body: { reason: 'wrong key' },
    })
  assert.equal((await cancel()).status, 202)
  assert.deepEqual(await store.runs.cancellation(filled.run), { by: 'operator 1', reason: 'wrong key' })
  const { body } = await api.ask<object>(`/api/v1/runs/${filled.run}`, { token })
  assert.deepEqual(body, {
    ...{ id: filled.run, plan: filled.plan, started: '2026-11-21T12:00:00.000Z' },
    ...{ waiting: 0, running: 1, done: 0, failed: 1, cancelled: 0 },
    ...{ ended: null, cancelledBy: { by: 'operator 1', reason: 'wrong key' } },
  })
  await store.work.end(filled.run, [{ image: 'base', state: 'cancelled', reason: 'wrong key', at: TEST_NOW }])
  await store.work.close(filled.run, TEST_NOW)
  const late = await cancel()
  assert.deepEqual([late.status, late.body.code], [409, 'STATE_CONFLICT'])
  const images = await api.ask<Page<{ image: string; state: string; reason: string }>>(
    `/api/v1/runs/${filled.run}/images`,
    { token },
  )
  assert.deepEqual(
    images.body.items.map(({ image, state, reason }) => [image, state, reason]),
    [
      ['base', 'cancelled', 'wrong key'],
      ['team-b/app', 'failed', 'speaks TLS: exit status 1'],
    ],
  )
})

test('commands are passed on with who asked, and noted; what runs elsewhere is refused', async (t) => {
  const store = await servers.store(t, 'embedded')
  await fillFactory(store)
  const calls: unknown[] = []
  const commands = {
    rollback: async (...call: unknown[]) => {
      calls.push(call)
      return 7
    },
  }
  const api = await testApi(t, store, { commands })
  const token = await api.token('operator')
  const back = await api.ask(`/api/v1/releases/1/restore`, { method: 'POST', token, body: { reason: 'broken' } })
  assert.deepEqual([back.status, back.body], [201, { release: 7 }])
  assert.deepEqual(calls, [[1, { by: 'operator 1', reason: 'broken' }]])
  const look = await api.ask<{ code: string }>('/api/v1/notices', {
    ...{ method: 'POST', token, body: { subject: 'debian-13/trixie' } },
  })
  assert.deepEqual([look.status, look.body.code], [503, 'COMMAND_UNAVAILABLE'])
  assert.equal((await store.ledger.read(0, 100)).at(-1)?.kind, 'rollback')
})

test('behind a named proxy, limits and the audit trail go by who asked it', async (t) => {
  const store = await servers.store(t, 'embedded')
  const addressOf = addressBehind({ networks: ['127.0.0.0/8'], header: 'x-forwarded-for' })
  const rates = { failures: { burst: 2, perSecond: 0.001 } }
  const { ask, token } = await testApi(t, store, { addressOf, rates })
  const guess = async (from: string) =>
    (await ask('/api/v1/images', { token: 'casemate_guess', headers: { 'x-forwarded-for': from } })).status
  const statuses: number[] = []
  for (const from of ['198.51.100.1', '198.51.100.1', '198.51.100.1', '198.51.100.2']) statuses.push(await guess(from))
  assert.deepEqual(statuses, [401, 401, 429, 401])
  assert.equal(await guess('198.51.100.9, 198.51.100.1'), 429, 'what a client says of itself gives it no more')
  const { body } = await ask<{ items: { address: string; status: number }[] }>('/api/v1/audit', {
    token: await token('admin'),
  })
  const refused = body.items.filter(({ status }) => status >= 400).map(({ address }) => address)
  assert.deepEqual(new Set(refused), new Set(['198.51.100.1', '198.51.100.2']))
})
