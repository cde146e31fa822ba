import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { LookupFunction } from 'node:net'
import { type TestContext, test } from 'node:test'
import { GuardedPost, POST_LIMITS } from './guarded-post.ts'

const never = new AbortController().signal

/** A server on loopback, on every address of it; gives its port and what it was asked. */
async function internalServer(t: TestContext, answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, resolve))
  t.after(() => server.close().closeAllConnections())
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return { port: address.port, asked }
}

const ok = (_: IncomingMessage, response: ServerResponse) => void response.end()

function guardedPost(t: TestContext, resolve?: LookupFunction): GuardedPost {
  const post = new GuardedPost({ ...POST_LIMITS, connect: 2000, total: 2000 }, resolve)
  t.after(() => post.close())
  return post
}

/** A resolver that knows one host, whose addresses change each time it is asked. */
function resolver(...answers: readonly string[][]): LookupFunction {
  let asked = 0
  return (_, options, callback) => {
    const addresses = (answers[asked++] ?? answers.at(-1) ?? []).map((address) => ({
      address,
      family: address.includes(':') ? 6 : 4,
    }))
    if (options.all === true) callback(null, addresses)
    else callback(null, addresses[0]?.address ?? '', addresses[0]?.family)
  }
}

const hosts = [
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '0x7f.0.0.1',
  '0.0.0.0',
  '0',
  'localhost',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:ffff:127.0.0.1]',
  '%31%32%37.0.0.1',
  '①②⑦.0.0.1',
  '127。0。0。1',
]
for (const host of hosts) {
  test(`case 44: http://${host} is refused before anything is sent`, async (t) => {
    const { port, asked } = await internalServer(t, ok)
    const url = new URL(`http://${host}:${port}/`)
    const posting = guardedPost(t).post({ url, mayBeInternal: false }, '{}', {}, never)
    await assert.rejects(posting, { code: 'WEBHOOK_REFUSED' })
    assert.deepEqual(asked, [])
  })
}

for (const address of [
  '169.254.169.254',
  '10.0.0.1',
  '[fd00:ec2::254]',
  '[fe80::1]',
  '[64:ff9b::a9fe:a9fe]',
  '[2002:7f00:1::]',
]) {
  test(`case 44: http://${address} is refused at once`, async (t) => {
    const target = { url: new URL(`http://${address}/latest/meta-data`), mayBeInternal: false }
    await assert.rejects(guardedPost(t).post(target, '{}', {}, never), { code: 'WEBHOOK_REFUSED' })
  })
}

test('case 44: a name that resolves to an internal address is refused, and what it resolves to is said', async (t) => {
  const { port, asked } = await internalServer(t, ok)
  const target = { url: new URL(`http://hooks.example.org:${port}/`), mayBeInternal: false }
  const post = guardedPost(t, resolver(['127.0.0.1']))
  await assert.rejects(post.post(target, '{}', {}, never), {
    code: 'WEBHOOK_REFUSED',
    message: /hooks\.example\.org.*it leads to 127\.0\.0\.1, an internal address/,
  })
  assert.deepEqual(asked, [])
})

test('case 44: a name with one public and one internal address is refused', async (t) => {
  const target = { url: new URL('http://hooks.example.org/'), mayBeInternal: false }
  const post = guardedPost(t, resolver(['151.101.2.132', '::1']))
  await assert.rejects(post.post(target, '{}', {}, never), { code: 'WEBHOOK_REFUSED' })
})

test('case 44: a name that is rebound after it was public is refused when it is connected to', async (t) => {
  const { port, asked } = await internalServer(t, ok)
  const target = { url: new URL(`http://rebound.example.org:${port}/`), mayBeInternal: false }
  // Of a network that was given back: public by its number, and nobody is there.
  const post = guardedPost(t, resolver(['3ffe::1'], ['127.0.0.1']))
  await assert.rejects(post.post(target, '{}', {}, never), { code: 'WEBHOOK_FAILED' })
  await assert.rejects(post.post(target, '{}', {}, never), { code: 'WEBHOOK_REFUSED' })
  assert.deepEqual(asked, [])
})

for (const status of [301, 302, 303, 307, 308]) {
  test(`case 44: a redirect with ${status} is answered and not followed`, async (t) => {
    const inner = await internalServer(t, ok)
    const outer = await internalServer(t, (_, response) => {
      response.writeHead(status, { location: `http://127.0.0.1:${inner.port}/inner` }).end()
    })
    const target = { url: new URL(`http://localhost:${outer.port}/`), mayBeInternal: true }
    assert.equal((await guardedPost(t).post(target, '{}', {}, never)).status, status)
    assert.deepEqual(inner.asked, [])
  })
}

test('a host that was named as internal is told, and how long it wants to be left alone is heard', async (t) => {
  const { port, asked } = await internalServer(t, (_, response) => {
    response.writeHead(429, { 'retry-after': '120' }).end('x'.repeat(100_000))
  })
  const target = { url: new URL(`http://localhost:${port}/hook?a=b`), mayBeInternal: true }
  assert.deepEqual(await guardedPost(t).post(target, '{}', {}, never), { status: 429, retryAfter: 120_000 })
  assert.deepEqual(asked, ['POST /hook?a=b'])
})

test('who never answers, and who never ends an answer, is given up in time', async (t) => {
  const silent = await internalServer(t, () => undefined)
  const endless = await internalServer(t, (_, response) => {
    const timer = setInterval(() => response.write('x'), 20)
    response.on('close', () => clearInterval(timer))
  })
  const post = guardedPost(t)
  const start = performance.now()
  const fails = [silent, endless].map(({ port }) => {
    const target = { url: new URL(`http://localhost:${port}/`), mayBeInternal: true }
    return assert.rejects(post.post(target, '{}', {}, never), { code: 'WEBHOOK_FAILED' })
  })
  await Promise.all(fails)
  assert.ok(performance.now() - start < 8000)
})
