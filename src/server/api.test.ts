import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { digestOf, faultsOf, formatFault } from '#core'
import { LedgerCheck, type LedgerEntry, parseLedgerLine } from '#factory'
import { fillFactory, heldPackage, releaseOf, TEST_NOW, type TestApi, testApi, testServers } from '#testkit'
import { apiRoutes } from './routes/index.ts'

const servers = testServers()
const shared = (async () => {
  const store = await servers.store({ after }, 'embedded')
  return { store, filled: await fillFactory(store), api: await testApi({ after }, store) }
})()

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

/** Asks for pages of a list until its end. */
async function pages<Item>(api: TestApi, target: string, token: string): Promise<Item[]> {
  const all: Item[] = []
  for (let next: string | null = ''; next !== null; ) {
    const cursor: string = next === '' ? '' : `&cursor=${next}`
    const { status, body } = await api.ask<Page<Item>>(`${target}${cursor}`, { token })
    assert.equal(status, 200)
    all.push(...body.items)
    next = body.next
  }
  return all
}

test('the description is OpenAPI 3.1 and has every route', async () => {
  const { api } = await shared
  const { status, body } = await api.ask<Record<string, object>>('/api/v1/openapi.json')
  assert.equal(status, 200)
  const validator = new Validator()
  const result = await validator.validate(structuredClone(body))
  assert.deepEqual(result, { valid: true })
  assert.equal(validator.version, '3.1')
  const operations = Object.values(body['paths'] ?? {}).flatMap((path) => Object.values(path as object))
  const ids = operations.map(({ operationId }: { operationId: string }) => operationId)
  assert.deepEqual(ids.sort(), [...apiRoutes.map(({ id }) => id), 'describe'].sort())
})

test('what is read has the shape that the description gives it', async () => {
  const { api, filled } = await shared
  const token = await api.token('admin')
  const targets: Readonly<Record<string, string>> = {
    listImages: '/api/v1/images',
    listReleases: '/api/v1/releases?image=base&variant=runtime',
    readRelease: `/api/v1/releases/${filled.releases['team-a/app']}`,
    listFindings: '/api/v1/images/team-a%2Fapp/findings?all=true',
    listAffected: '/api/v1/affected?archive=debian-13&source=openssl&below=3.5.7-1',
    listEvents: '/api/v1/events?subject=debian-13/trixie-security',
    listPlans: '/api/v1/plans',
    readPlan: `/api/v1/plans/${filled.plan}`,
    listRuns: '/api/v1/runs',
    readRun: `/api/v1/runs/${filled.run}`,
    listImagesOfRun: `/api/v1/runs/${filled.run}/images`,
    readLedger: '/api/v1/ledger',
    whoAmI: '/api/v1/me',
    listTokens: '/api/v1/tokens',
    health: '/healthz',
  }
  for (const [id, target] of Object.entries(targets)) {
    const { gives } = apiRoutes.find((route) => route.id === id)!
    const { status, body } = await api.ask<{ items?: readonly object[] }>(target, { token })
    assert.equal(status, 200, id)
    assert.ok('type' in gives)
    assert.deepEqual(faultsOf(gives, body).map(formatFault), [], id)
    if (body.items !== undefined) assert.ok(body.items.length > 0, `${id} shows nothing`)
  }
})

test('an image says what it is at, how it is pulled, and how it stands with its findings', async () => {
  const { api } = await shared
  const token = await api.token('reader', ['base'])
  const { body } = await api.ask<Page<Record<string, unknown>>>('/api/v1/images', { token })
  assert.equal(body.items.length, 1)
  const { digest, ...base } = body.items[0]!
  assert.match(String(digest), /^sha256:/)
  assert.deepEqual(base, {
    image: 'base',
    variant: 'runtime',
    release: 1,
    tags: ['1.0', 'latest'],
    references: ['registry.test:5000/base:1.0', 'registry.test:5000/base:latest'],
    released: '2026-11-21T12:00:40.000Z',
    platforms: ['linux/amd64'],
    open: 2,
    fixable: 1,
  })
  const findings = await api.ask<Page<{ finding: string; state: string; segments: object[] }>>(
    '/api/v1/images/base/findings',
    { token },
  )
  assert.deepEqual(
    findings.body.items.map(({ finding, state, segments }) => [finding, state, segments]),
    [
      ['CVE-2026-1000 openssl', 'fixable', [{ from: 'disclosed', to: 'fix-available', milliseconds: 86_400_000 }]],
      ['CVE-2026-2000 libc6', 'waiting', []],
    ],
  )
})

test('a finding that a release has closed is shown when all are asked for', async (t) => {
  const { store, api } = await ownApi(t)
  await store.clocks.record([{ finding: 'CVE-2026-1000 openssl', image: 'base', mark: 'published', at: TEST_NOW }])
  const token = await api.token('reader')
  const names = async (query: string) =>
    (await pages<{ finding: string; state: string }>(api, `/api/v1/images/base/findings?limit=1${query}`, token)).map(
      ({ finding, state }) => `${finding} ${state}`,
    )
  assert.deepEqual(await names(''), ['CVE-2026-2000 libc6 waiting'])
  assert.deepEqual(await names('&all=true'), ['CVE-2026-1000 openssl closed', 'CVE-2026-2000 libc6 waiting'])
})

test('to who is for one image, others are not there, in lists, by number or by name', async () => {
  const { api, filled } = await shared
  const token = await api.token('admin', ['team-a/**'])
  const lists = [
    'images',
    'releases',
    'events',
    'plans',
    'runs',
    'holds',
    `runs/${filled.run}/images`,
    `plans/${filled.plan}`,
  ]
  for (const list of [...lists, 'affected?archive=debian-13&source=openssl&below=3.5.7-1']) {
    const { body } = await api.ask(`/api/v1/${list}`, { token })
    const text = JSON.stringify(body)
    assert.doesNotMatch(text, /team-b/, list)
    if (/^(images|releases|affected|plans\/)/.test(list)) assert.match(text, /team-a\/app/, list)
  }
  const release = filled.releases['team-b/app']!
  const reason = 'x'
  const strange: [string, string, object?][] = [
    ['GET', `/api/v1/releases/${release}`],
    ['GET', '/api/v1/images/team-b%2Fapp/findings'],
    ['POST', '/api/v1/images/team-b%2Fapp/rebuild', { reason }],
    ['POST', `/api/v1/plans/${filled.plan}/approvals`, { image: 'team-b/app', approved: true, reason }],
    ['POST', '/api/v1/plans/preview', { images: ['team-b/app'] }],
    ['POST', `/api/v1/releases/${release}/restore`, { reason }],
    ['POST', '/api/v1/holds', { image: 'team-b/app', reason }],
  ]
  for (const [method, target, body] of strange) {
    const headers = { 'idempotency-key': 'k' }
    const known = await api.ask<{ detail: string }>(target, {
      method,
      token,
      headers,
      ...(body === undefined ? {} : { body }),
    })
    const absent = (text: string) => text.replaceAll('team-b', 'team-x').replace(/releases\/\d+/, 'releases/9999')
    const other = await api.ask<{ detail: string }>(absent(target), {
      ...{ method, token, headers },
      ...(body === undefined ? {} : { body: absent(JSON.stringify(body)) }),
    })
    // Nothing is planned by this process, which is no secret.
    if (target.endsWith('preview')) assert.deepEqual([known.status, other.status], [503, 503])
    else {
      assert.deepEqual([target, known.status, other.status], [target, 404, 404])
      const words = (text: string) => text.replaceAll('team-b', 'team-x').replace(/release \d+/, 'release')
      assert.equal(words(known.body.detail), words(other.body.detail))
    }
  }
  const outside = await api.token('reader', ['other'])
  for (const target of [`/api/v1/plans/${filled.plan}`, `/api/v1/runs/${filled.run}`]) {
    assert.equal((await api.ask(target, { token: outside })).status, 404)
  }
})

test('pages of a list have each item once, whatever comes meanwhile', async (t) => {
  const { store, api } = await ownApi(t)
  const token = await api.token('reader')
  const first = await api.ask<Page<{ id: number }>>('/api/v1/releases?limit=2', { token })
  await store.releases.record(['aaa', 'zzz'].map((image) => releaseOf(image, [heldPackage('jq', '1.7')])))
  const second = await api.ask<Page<{ id: number }>>(`/api/v1/releases?limit=2&cursor=${first.body.next}`, { token })
  assert.deepEqual(
    [...first.body.items, ...second.body.items].map(({ id }) => id),
    [3, 2, 1],
  )
  assert.equal(second.body.next, null)
  const images = await pages<{ image: string }>(api, '/api/v1/images?limit=2', token)
  assert.deepEqual(
    images.map(({ image }) => image),
    ['aaa', 'base', 'team-a/app', 'team-b/app', 'zzz'],
  )
  const affected = await pages<{ image: string }>(
    api,
    '/api/v1/affected?archive=debian-13&source=openssl&below=9&limit=1',
    token,
  )
  assert.deepEqual(
    affected.map(({ image }) => image),
    ['base', 'team-a/app', 'team-b/app'],
  )
})

test('who has an answer already is told that it is the same', async () => {
  const { api, filled } = await shared
  const token = await api.token('reader')
  const target = `/api/v1/releases/${filled.releases['base']}`
  const { headers } = await api.ask(target, { token })
  const etag = headers.get('etag') ?? ''
  assert.match(etag, /^"[\w-]{22}"$/)
  const again = await api.ask(target, { token, headers: { 'if-none-match': `"x", W/${etag}` } })
  assert.deepEqual([again.status, again.body], [304, ''])
  const other = await api.ask(target, { token, headers: { 'if-none-match': '"x"' } })
  assert.equal(other.status, 200)
  const head = await api.ask(target, { token, method: 'HEAD' })
  assert.deepEqual([head.status, head.body, head.headers.get('etag')], [200, '', etag])
})

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

test('a token that cannot be is not made', async () => {
  const { api } = await shared
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

test('the ledger that is exported is whole, as anybody can verify', async () => {
  const { api, store } = await shared
  const { body, headers } = await api.ask<string>('/api/v1/ledger/export', { token: await api.token('reader') })
  assert.equal(headers.get('content-type'), 'application/x-ndjson')
  const check = new LedgerCheck()
  for (const [index, line] of body.trimEnd().split('\n').entries()) {
    const read = parseLedgerLine(Buffer.from(line), index + 1)
    if ('entry' in read) check.add(read.entry)
  }
  assert.ok(check.tip.sequence >= 5 && check.tip.sequence <= (await store.ledger.tip()).sequence)
  const part = await api.ask<{ items: LedgerEntry[] }>('/api/v1/ledger?after=2&limit=2', {
    token: await api.token('reader'),
  })
  assert.deepEqual(
    part.body.items.map(({ sequence }) => sequence),
    [3, 4],
  )
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

test('feeds tell of the images that somebody may see', async (t) => {
  const { store, api } = await ownApi(t)
  const message = (image: string) =>
    ({ kind: 'release', image, title: `${image} <b>1.0</b>`, body: {}, at: TEST_NOW }) as const
  const { image: _, ...common } = message('x')
  await store.outbox.add([message('base'), message('team-b/app'), { ...common, kind: 'archive' }])
  const [reader, scoped] = [await api.token('reader'), await api.token('reader', ['base'])]
  const titles = async (token: string, query = '') => {
    const { body, headers } = await api.ask<{ items: { title: string }[] }>(`/api/v1/feed.json${query}`, { token })
    assert.equal(headers.get('content-type'), 'application/feed+json; charset=utf-8')
    return (typeof body === 'string' ? JSON.parse(body) : body).items.map(({ title }: { title: string }) => title)
  }
  assert.deepEqual(await titles(reader), ['x <b>1.0</b>', 'team-b/app <b>1.0</b>', 'base <b>1.0</b>'])
  assert.deepEqual(await titles(scoped), ['base <b>1.0</b>'])
  assert.deepEqual(await titles(reader, '?image=team-b/app'), ['team-b/app <b>1.0</b>'])
  assert.equal((await api.ask('/api/v1/feed.json?image=team-b/app', { token: scoped })).status, 404)
  const atom = await api.ask<string>('/api/v1/feed.atom?image=base', { token: scoped })
  assert.match(atom.body, /<link rel="self"[^>]*href="https:\/\/casemate\.test\/api\/v1\/feed\.atom\?image=base"/)
  assert.match(atom.body, /base &lt;b&gt;1\.0/)
})
