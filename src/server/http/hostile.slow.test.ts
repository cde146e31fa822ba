import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, test } from 'node:test'
import { openStore } from '#store'
import { fillFactory, testApi, testServers } from '#testkit'
import { parseCursor } from './cursor.ts'

const servers = testServers()
const shared = (async () => {
  const store = await servers.store({ after }, 'embedded')
  await fillFactory(store)
  const rates = {
    token: { burst: 1e6, perSecond: 1 },
    address: { burst: 1e6, perSecond: 1 },
    failures: { burst: 1e6, perSecond: 1 },
  }
  const api = await testApi({ after }, store, { rates })
  return { store, api, admin: await api.token('admin') }
})()

interface Problem {
  readonly code: string
  readonly detail: string
  readonly instance: string
}

/** Sends bytes as they are, and gives everything that comes back until the connection ends or nothing comes for a while. */
async function send(url: string, text: string, wait = 500): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  socket.on('error', () => undefined)
  socket.write(text)
  await Promise.race([once(socket, 'close'), new Promise((done) => setTimeout(done, wait))])
  socket.destroy()
  return answer
}

const paths: [string, number, string][] = [
  ['/api/v1/images/../tokens', 404, 'nothing is normalised'],
  ['/api/v1//images', 404, 'an empty part is one'],
  ['/api/v1/images/', 404, 'so is one at the end'],
  ['/api/v1/images/%zz/findings', 404, 'an encoding that is broken leads nowhere'],
  ['/api/v1/images/%00/findings', 400, 'a name has no control characters'],
  ['/api/v1/images/..%2f..%2fetc/findings', 400, 'a name is no path'],
  ['/api/v1/releases/1e3', 400, 'a number is digits'],
  ['/api/v1/releases/99999999999999999999', 400, 'and not larger than numbers are'],
  ['/api/v1/releases/0', 400, 'and not less than one'],
  ["/api/v1/images/x'%20or%201=1--/findings", 400, 'a name is no SQL'],
  ['/api/v1/images?limit=0', 400, 'a page has an item'],
  ['/api/v1/images?limit=1001', 400, 'and not too many'],
  ['/api/v1/images?limit=1&limit=2', 400, 'a parameter stands once'],
  ['/api/v1/images?limt=1', 400, 'a parameter that is not known is told'],
  ['/api/v1/images?cursor=%FF', 400, 'a cursor is ours'],
  ['/api/v1/images?cursor=W10', 400, 'and whole'],
  ['/api/v1/images?__proto__=1', 400, 'and no name is special'],
  ['/api/v1/affected?archive=debian-13&source=openssl&below=%27', 400, 'a version is one'],
  [`/api/v1/images?cursor=${'A'.repeat(8192)}`, 414, 'a path has an end'],
]
for (const [target, wanted, because] of paths) {
  test(`${target.slice(0, 60)} is ${wanted}: ${because}`, async () => {
    const { api, admin } = await shared
    // Not by fetch, which would make paths nice.
    const answer = await send(
      api.url,
      `GET ${target} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${admin}\r\nconnection: close\r\n\r\n`,
      5000,
    )
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${wanted} `))
    const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))
    assert.deepEqual([problem.status, problem.type], [wanted, `urn:casemate:problem:${problem.code}`])
    assert.match(answer, /content-type: application\/problem\+json/i)
  })
}

const bodies: [string, string | Uint8Array, Readonly<Record<string, string>>, number, string][] = [
  [
    'a form',
    'image=base',
    { 'content-type': 'application/x-www-form-urlencoded' },
    415,
    'which pages can send across sites',
  ],
  [
    'text',
    '{"image":"base","reason":"x"}',
    { 'content-type': 'text/plain' },
    415,
    'which pages can send across sites too',
  ],
  ['another charset', '{}', { 'content-type': 'application/json; charset=utf-16' }, 415, 'JSON is UTF-8'],
  ['no JSON', '{"image":', {}, 400, 'it ends early'],
  ['a key that stands twice', '{"image":"base","reason":"x","image":"other"}', {}, 400, 'readers would disagree'],
  ['a nest', '['.repeat(10_000), {}, 400, 'it is too deep'],
  ['what is no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), {}, 400, 'nobody can say what it says'],
  ['a list', '[]', {}, 400, 'an object is wanted'],
  ['a control character', '{"image":"base","reason":"\\u001b[2J"}', {}, 400, 'it would steer terminals'],
  ['a line feed', '{"image":"base","reason":"a\\nb"}', {}, 400, 'it would forge lines'],
  ['a name of the prototype', '{"image":"base","reason":"x","__proto__":{"a":1}}', {}, 400, 'no name is special'],
  ['NUL', '{"image":"base","reason":"\\u0000"}', {}, 400, 'the database cannot hold it'],
  ['half a character', '{"image":"base","reason":"\\ud800"}', {}, 409, 'the database cannot hold it'],
  ['a large one', `{"image":"base","reason":"${'x'.repeat(70_000)}"}`, {}, 413, 'there is a limit'],
]
for (const [what, body, headers, wanted, because] of bodies) {
  test(`a body that is ${what} is ${wanted}: ${because}`, async () => {
    const { api, admin, store } = await shared
    const response = await fetch(`${api.url}/api/v1/holds`, {
      method: 'POST',
      headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json', ...headers },
      body,
    })
    assert.equal(response.status, wanted)
    assert.equal(((await response.json()) as { status: number }).status, wanted)
    assert.deepEqual(await store.decisions.holds('2026-01-01T00:00:00.000Z'), [])
  })
}

test('a body without a length is read no further than the limit', async () => {
  const { api, admin } = await shared
  const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`
  const head = `POST /api/v1/holds HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${admin}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`
  const answer = await send(api.url, head + chunk.repeat(40), 3000)
  assert.match(answer, /^HTTP\/1\.1 413 [\s\S]*connection: close/i)
})

test('a body that does not come is not waited for, whether anybody may send it or not', async (t) => {
  const { store, admin } = await shared
  const api = await testApi(t, store, { bodyTime: 200 })
  const head = (token: string) =>
    `POST /api/v1/holds HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`
  for (const [token, wanted] of [
    [admin, 408],
    [`casemate_${'C'.repeat(43)}`, 401],
  ] as const) {
    const began = performance.now()
    const answer = await send(api.url, head(token), 10_000)
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${wanted} [\\s\\S]*connection: close`, 'i'))
    // The connection ended by itself.
    assert.ok(performance.now() - began < 9000)
  }
})

test('a request that is two to readers who disagree is none', async () => {
  const { api, admin } = await shared
  const smuggled = 'GET /api/v1/tokens HTTP/1.1\r\nhost: x\r\n\r\n'
  const both = `POST /api/v1/holds HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${admin}\r\ncontent-length: ${smuggled.length}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`
  const answer = await send(api.url, both, 2000)
  assert.match(answer, /^HTTP\/1\.1 400 /)
  assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1)
})

test('methods that a path does not take are told what it takes', async () => {
  const { api, admin } = await shared
  const { status, headers, body } = await api.ask<Problem>('/api/v1/holds', { method: 'PUT', token: admin })
  assert.deepEqual([status, headers.get('allow'), body.code], [405, 'GET, HEAD, POST', 'METHOD_UNKNOWN'])
  assert.equal(
    (await api.ask('/api/v1/images', { method: 'OPTIONS', headers: { origin: 'https://evil.example' } })).status,
    405,
  )
})

test('no answer may be framed, read by other sites, or taken for another type', async () => {
  const { api, admin } = await shared
  for (const target of ['/api/v1/images', '/api/v1/none', '/healthz']) {
    const { headers } = await api.ask(target, { token: admin, headers: { origin: 'https://evil.example' } })
    assert.equal(headers.get('access-control-allow-origin'), null)
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin')
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/)
    assert.equal(headers.get('set-cookie'), null)
  }
})

test('a token as a password is for reading only', async () => {
  const { api, admin } = await shared
  const authorization = `Basic ${Buffer.from(`alice:${admin}`).toString('base64')}`
  assert.equal((await api.ask('/api/v1/tokens', { headers: { authorization } })).status, 200)
  const body = { image: 'base', reason: 'x' }
  const write = await api.ask<Problem>('/api/v1/holds', { method: 'POST', headers: { authorization }, body })
  assert.deepEqual([write.status, write.body.code], [401, 'TOKEN_MISSING'])
})

test('what is no token is refused alike, also where reading is open', async (t) => {
  const { store } = await shared
  const api = await testApi(t, store, { isOpen: true })
  const wrong = [
    'Bearer',
    'Bearer x',
    `Bearer casemate_${'A'.repeat(43)}`,
    'Basic !!!',
    'Negotiate abc',
    `Bearer ${'x'.repeat(5000)}`,
  ]
  for (const authorization of wrong) {
    const { status, body } = await api.ask<Problem>('/api/v1/images', { headers: { authorization } })
    assert.deepEqual(
      [authorization.slice(0, 20), status, body.code],
      [authorization.slice(0, 20), 401, 'TOKEN_REFUSED'],
    )
  }
})

test('guesses of tokens are slowed down, and the audit trail does not fill up', async (t) => {
  const { store } = await shared
  const api = await testApi(t, store, { rates: { notes: { burst: 3, perSecond: 0.001 } } })
  const statuses: number[] = []
  const before = (await store.audit.list(1e9, 1))[0]!.id
  for (let tried = 0; tried < 15; tried++) {
    statuses.push((await api.ask('/api/v1/images', { token: `casemate_${'B'.repeat(43)}` })).status)
  }
  assert.deepEqual(statuses, [...Array(10).fill(401), ...Array(5).fill(429)])
  const noted = (await store.audit.list(1e9, 50)).filter(({ id }) => id > before)
  // Three of each kind of refusal.
  assert.deepEqual(
    noted.map(({ status }) => status),
    [429, 429, 429, 401, 401, 401],
  )
  const { body } = await api.ask<string>('/metrics', { token: await api.token('reader') })
  assert.match(body, /^casemate_api_refusals_unnoted_total 9$/m)
})

test('a token has its own requests, and is told when to come again', async (t) => {
  const { store } = await shared
  const api = await testApi(t, store, { rates: { token: { burst: 3, perSecond: 0.1 } } })
  const [one, other] = [await api.token('reader'), await api.token('reader')]
  const answers = []
  for (let asked = 0; asked < 4; asked++) answers.push(await api.ask<Problem>('/api/v1/me', { token: one }))
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 429],
  )
  assert.equal(answers[3]!.headers.get('retry-after'), '10')
  assert.equal((await api.ask('/api/v1/me', { token: other })).status, 200)
})

test('where reading is open, a name that some page made up is not answered for', async (t) => {
  const { store } = await shared
  const api = await testApi(t, store, { isOpen: true, hosts: ['images.example.org'] })
  const ask = async (host: string) => {
    const answer = await send(
      api.url,
      `GET /api/v1/images HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`,
      3000,
    )
    return Number(answer.slice(9, 12))
  }
  for (const host of ['127.0.0.1:5000', '[::1]:5000', 'localhost', 'LOCALHOST:80', 'images.example.org']) {
    assert.deepEqual([host, await ask(host)], [host, 200])
  }
  for (const host of ['evil.example', 'localhost.evil.example', 'images.example.org.evil.example', '']) {
    assert.deepEqual([host, await ask(host)], [host, 421])
  }
})

test('a fault of our own says nothing but its number, and a database that is away is told so', async (t) => {
  const store = await openStore(await servers.database('embedded'))
  const errors: Error[] = []
  const api = await testApi(t, store, { isOpen: true, onError: (error) => errors.push(error as Error) })
  assert.equal((await api.ask('/readyz')).status, 200)
  await store.database.query('break', 'alter table casemate.image_head rename to gone')
  const { status, body, headers } = await api.ask<Problem>('/api/v1/images')
  assert.deepEqual([status, body.code, headers.get('retry-after')], [503, 'DATABASE_FAILED', '5'])
  assert.doesNotMatch(JSON.stringify(body), /image_head|select|relation/)
  assert.equal(body.instance, `urn:casemate:request:${headers.get('x-request-id')}`)
  assert.match(errors[0]!.message, /image_head/)
  await store.close()
  const ready = await api.ask<Problem>('/readyz')
  assert.deepEqual([ready.status, ready.body.detail], [503, 'cannot take requests: the database does not answer'])
  assert.equal((await api.ask('/healthz')).status, 200)
})

test('a cursor is read for its own list only', () => {
  const text = Buffer.from('[3,"a"]').toString('base64url')
  assert.deepEqual(parseCursor(text, ['number', 'string']), [3, 'a'])
  for (const parts of [['string', 'number'], ['number'], ['number', 'string', 'string']] as const) {
    assert.throws(() => parseCursor(text, parts), { code: 'REQUEST_INVALID' })
  }
})
