import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { faultsOf, formatFault } from '#core'
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
  const findings = await api.ask<Page<Record<string, unknown>>>('/api/v1/images/base/findings', { token })
  assert.deepEqual(
    findings.body.items.map(({ finding, state, due, spent, segments }) => [finding, state, due, spent, segments]),
    [
      [
        'CVE-2026-1000 openssl',
        'within',
        '2026-11-28T12:00:00.000Z',
        86_400_000,
        [{ from: 'disclosed', to: 'fix-available', milliseconds: 86_400_000 }],
      ],
      ['CVE-2026-2000 libc6', 'waiting', null, 0, []],
    ],
  )
})

test('a finding that a release has closed is shown when all are asked for', async (t) => {
  const { store, api } = await ownApi(t)
  await store.clocks.record([{ finding: 'CVE-2026-1000 openssl', image: 'base', mark: 'published', at: TEST_NOW }])
  const token = await api.token('reader')
  const names = async (query: string) =>
    (await pages<{ finding: string; open: boolean }>(api, `/api/v1/images/base/findings?limit=1${query}`, token)).map(
      ({ finding, open }) => `${finding} ${open ? 'open' : 'closed'}`,
    )
  assert.deepEqual(await names(''), ['CVE-2026-2000 libc6 open'])
  assert.deepEqual(await names('&all=true'), ['CVE-2026-1000 openssl closed', 'CVE-2026-2000 libc6 open'])
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
