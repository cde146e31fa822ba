import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { type TestContext, test } from 'node:test'
import type { LedgerNote } from '#factory'
import { fillFactory, TEST_NOW, type TestApi, testApi, testServers } from '#testkit'
import { mayHear } from './hearing.ts'

const servers = testServers()
const note = (subject: string, kind = 'release'): LedgerNote => ({ kind, subject, body: { by: 'test' }, at: TEST_NOW })

interface Told {
  readonly id: number
  readonly subject: string | undefined
}

/** Opens a stream and collects what it tells, as a browser reads it (HTML §server-sent-events). */
async function follow(api: TestApi, target: string, headers: Readonly<Record<string, string>>) {
  const stop = new AbortController()
  const response = await fetch(`${api.url}${target}`, { headers, signal: stop.signal })
  const told: Told[] = []
  const more = new EventTarget()
  const reading = (async () => {
    let text = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const id = /^id: (\d+)$/m.exec(block)?.[1]
        const data = /^data: (.*)$/m.exec(block)?.[1]
        if (id !== undefined)
          told.push({ id: Number(id), subject: data === undefined ? undefined : JSON.parse(data).subject })
      }
      more.dispatchEvent(new Event('more'))
    }
  })().catch((error: Error) => assert.equal(error.name, 'AbortError'))
  return {
    response,
    told,
    until: async (count: number) => {
      while (told.length < count) await once(more, 'more', { signal: AbortSignal.timeout(10_000) })
    },
    ended: reading,
    stop: async () => {
      stop.abort()
      await reading
    },
  }
}

async function ownApi(t: TestContext) {
  const store = await servers.store(t, 'embedded')
  await fillFactory(store)
  const api = await testApi(t, store)
  return {
    store,
    api,
    bearer: async (role: string, images?: readonly string[]) => ({
      authorization: `Bearer ${await api.token(role, images)}`,
    }),
  }
}

test('a stream tells what happens from now on, in the order of the ledger', async (t) => {
  const { store, api, bearer } = await ownApi(t)
  const headers = await bearer('reader')
  const { sequence } = await store.ledger.tip()
  const stream = await follow(api, '/api/v1/stream', headers)
  assert.equal(stream.response.headers.get('content-type'), 'text/event-stream')
  const subjects = Array.from({ length: 30 }, (_, number) => `image-${number}`)
  for (const subject of subjects) await store.ledger.append([note(subject)])
  await stream.until(30)
  assert.deepEqual(
    stream.told,
    subjects.map((subject, index) => ({ id: sequence + 1 + index, subject })),
  )
  await stream.stop()
})

test('who comes again with the last number misses nothing and hears nothing twice, however much there was', async (t) => {
  const { store, api, bearer } = await ownApi(t)
  const headers = await bearer('reader')
  const { sequence: first } = await store.ledger.tip()
  const before = await follow(api, `/api/v1/stream?after=${first}`, headers)
  await store.ledger.append(Array.from({ length: 5 }, (_, number) => note(`a-${number}`)))
  await before.until(5)
  await before.stop()
  // More than is kept in memory, and than is read at a time.
  for (let batch = 0; batch < 5; batch++) {
    await store.ledger.append(Array.from({ length: 600 }, (_, number) => note(`b-${batch}-${number}`)))
  }
  const after = await follow(api, '/api/v1/stream', { ...headers, 'last-event-id': String(before.told.at(-1)!.id) })
  const appended = store.ledger.append([note('c')])
  await after.until(3001)
  await appended
  const ids = [...before.told, ...after.told].map(({ id }) => id)
  assert.deepEqual(
    ids,
    Array.from({ length: 3006 }, (_, number) => first + 1 + number),
  )
  await after.stop()
})

test('who is for some images hears of those, and of what is common, and his place moves with the rest', async (t) => {
  const { store, api, bearer } = await ownApi(t)
  const stream = await follow(api, '/api/v1/stream?after=0', await bearer('reader', ['team-a/**']))
  await stream.until(2)
  await store.ledger.append([
    note('team-b/app'),
    note('team-a/app', 'stage'),
    note('team-b/app'),
    note('team-a/app', 'refusal'),
  ])
  const { sequence } = await store.ledger.tip()
  while (stream.told.at(-1)?.id !== sequence) await stream.until(stream.told.length + 1)
  const subjects = stream.told.flatMap(({ subject }) => (subject === undefined ? [] : [subject]))
  assert.deepEqual(subjects, ['debian-13/trixie-security', 'team-a/app', 'team-a/app'])
  await stream.stop()
})

const hearing: [string, string[], string, string, object, boolean, string][] = [
  ['reader', ['**'], 'stage', 'app', {}, true, 'a reader of all images hears of stages'],
  ['reader', ['**'], 'refusal', 'hold', {}, false, 'refusals are for the audit trail'],
  ['reader', ['**'], 'token', 'ci', {}, false, 'tokens are for the audit trail'],
  ['admin', ['**'], 'token', 'ci', {}, true, 'an administrator reads the audit trail'],
  ['admin', ['app'], 'refusal', 'app', {}, false, 'one of some images does not'],
  ['reader', ['app'], 'event', 'CVE-2026-1', { kind: 'advisory-changed' }, true, 'an advisory is common to all'],
  ['reader', ['app'], 'event', 'other', { kind: 'asked' }, false, 'what is asked of another image is not'],
  ['reader', ['app'], 'hold', '*', {}, false, 'what is about no image of his is kept from him'],
]
for (const [role, images, kind, subject, body, may, because] of hearing) {
  test(`${role} of ${images} ${may ? 'hears' : 'does not hear'} of ${kind} ${subject}: ${because}`, () => {
    const entry = { sequence: 1, at: TEST_NOW, kind, subject, body: { ...body }, previous: 'x', digest: 'x' }
    const caller = { role, images } as Parameters<typeof mayHear>[0]
    assert.equal(mayHear(caller, entry as Parameters<typeof mayHear>[1]), may)
  })
}

test('a client has so many streams at a time, and each that ends makes room', async (t) => {
  const { api, bearer } = await ownApi(t)
  const headers = await bearer('reader')
  const streams = await Promise.all(Array.from({ length: 10 }, () => follow(api, '/api/v1/stream', headers)))
  const one = await fetch(`${api.url}/api/v1/stream`, { headers })
  assert.deepEqual([one.status, one.headers.get('retry-after')], [429, '10'])
  await one.body?.cancel()
  await streams[0]!.stop()
  let again = await follow(api, '/api/v1/stream', headers)
  for (let tried = 0; again.response.status === 429 && tried < 20; tried++) {
    await new Promise((wait) => setTimeout(wait, 50))
    again = await follow(api, '/api/v1/stream', headers)
  }
  assert.equal(again.response.status, 200)
  for (const stream of [...streams.slice(1), again]) await stream.stop()
})

test('a client that takes nothing holds up nobody else and no memory', async (t) => {
  const { store, api, bearer } = await ownApi(t)
  const headers = await bearer('reader')
  // Reads the head of the answer, and then no more.
  const request = http.get(`${api.url}/api/v1/stream?after=0`, { headers })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  response.pause()
  t.after(() => request.destroy())
  const body = { text: 'x'.repeat(20_000) }
  for (let batch = 0; batch < 20; batch++) {
    await store.ledger.append(Array.from({ length: 50 }, () => ({ ...note('large'), body })))
  }
  const { sequence } = await store.ledger.tip()
  const other = await follow(api, `/api/v1/stream?after=${sequence}`, headers)
  await store.ledger.append([note('small')])
  await other.until(1)
  assert.deepEqual(other.told, [{ id: sequence + 1, subject: 'small' }])
  await other.stop()
})

test('a stream ends when its token is revoked, whether anything happens or not', async (t) => {
  const store = await servers.store(t, 'embedded')
  const api = await testApi(t, store, { pulse: 100 })
  const [token, other] = [await api.token('reader'), await api.token('reader')]
  const [stream, stays] = await Promise.all(
    [token, other].map((one) => follow(api, '/api/v1/stream', { authorization: `Bearer ${one}` })),
  )
  const { body } = await api.ask<{ token: number }>('/api/v1/me', { token })
  await store.tokens.revoke(body.token, 'test', TEST_NOW)
  await stream!.ended
  await store.ledger.append([note('later')])
  await stays!.until(1)
  await stays!.stop()
})

test('streams end when the server stops', async (t) => {
  const { api, bearer } = await ownApi(t)
  const headers = await bearer('reader')
  const stream = await follow(api, '/api/v1/stream', headers)
  api.api.stop()
  await stream.ended
  const ready = await api.ask<{ detail: string }>('/readyz')
  assert.deepEqual([ready.status, ready.body.detail], [503, 'cannot take requests: the server is about to stop'])
})
