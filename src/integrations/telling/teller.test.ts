import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Webhook as Receiver } from 'standardwebhooks'
import type { FactoryStore, Interest, MessageKind, NewMessage, Subscription } from '#factory'
import { testServers } from '#testkit'
import { Teller, type TellerOptions, type Told } from './teller.ts'
import { openWebhooks } from './webhook.ts'

const servers = testServers()
const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const patience = { first: 10, longest: 50, giveUp: 86_400_000 }

interface Heard {
  readonly id: string
  readonly type: string
  readonly subject: string | undefined
  readonly title: string
}

/** A webhook on loopback that verifies what it is told, and answers what `status` says. */
async function receiver(t: TestContext, status: (heard: Heard, count: number) => number = () => 204) {
  const heard: Heard[] = []
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString('utf8')
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    const { type, subject, data } = new Receiver(secret).verify(body, headers) as Heard & { data: { title: string } }
    const one = { id: headers['webhook-id'] ?? '', type, subject, title: data.title }
    heard.push(one)
    response.writeHead(status(one, heard.length)).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close().closeAllConnections())
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return { heard, url: `http://127.0.0.1:${address.port}/hook/with-a-token` }
}

function subscription(webhook: string, interest: Interest = {}): Subscription {
  return { webhook, secrets: [{ environment: 'HOOK' }], interest, mayBeInternal: true }
}

async function teller(
  t: TestContext,
  store: FactoryStore,
  url: string,
  more: Partial<TellerOptions> & { interest?: Interest } = {},
) {
  const { interest, ...options } = more
  const told: Told[] = []
  const webhooks = await openWebhooks([subscription(url, interest)], { HOOK: secret })
  const source = 'https://images.example.org'
  const one = new Teller({
    store,
    webhooks,
    source,
    patience,
    every: 20,
    onTold: (each) => told.push(each),
    ...options,
  })
  t.after(() => one.stop())
  // As at the first start: what came before a webhook was known is not told to it.
  for (const { name } of webhooks) await store.deliveries.subscribe(name)
  one.start()
  return { teller: one, told }
}

async function until(holds: () => boolean): Promise<void> {
  for (let tried = 0; tried < 400; tried++) {
    if (holds()) return
    await sleep(20)
  }
  assert.fail('it never came to that')
}

function message(image: string | undefined, title: string, more: Partial<NewMessage> = {}): NewMessage {
  const about = image === undefined ? {} : { image }
  return { kind: 'failed', ...about, title, body: { run: 1 }, at: new Date().toISOString(), ...more }
}

async function subscribed(t: TestContext, url: string, more: Parameters<typeof teller>[3] = {}) {
  const store = await servers.store(t, 'embedded')
  return { store, ...(await teller(t, store, url, more)) }
}

test('what is recorded is told once, as a signed CloudEvent, and of each image in order though it fails in between', async (t) => {
  const failing = new Set(['b1', 'a2'])
  const { heard, url } = await receiver(t, ({ title }) => (failing.delete(title) ? 503 : 204))
  const { store, teller: one, told } = await subscribed(t, url)
  await store.outbox.add([
    message('a', 'a1'),
    message('b', 'b1'),
    message('a', 'a2'),
    message('b', 'b2'),
    message(undefined, 'all'),
  ])
  one.wake()
  await until(() => told.filter(({ outcome }) => outcome.state === 'delivered').length === 5)
  const of = (image: string | undefined) => heard.filter(({ subject }) => subject === image).map(({ title }) => title)
  assert.deepEqual([of('a'), of('b'), of(undefined)], [['a1', 'a2', 'a2'], ['b1', 'b1', 'b2'], ['all']])
  const twice = heard.filter(({ title }) => title === 'b1')
  assert.equal(twice[0]?.id, twice[1]?.id, 'the id is that of the message')
  assert.equal(new Set(heard.map(({ id }) => id)).size, 5)
  assert.ok(heard.every(({ type }) => type === 'dev.casemate.failed.v1'))
  const failed = told.find(({ outcome }) => outcome.state === 'failed')
  assert.match(failed?.webhook ?? '', /^127\.0\.0\.1:\d+ [0-9a-f]{12}$/, 'no path, which may be a secret')
})

const interests: [Interest, string[], string][] = [
  [{ images: ['py*'] }, ['python', 'all'], 'a pattern of names, and what concerns all'],
  [{ owners: ['team'] }, ['nginx', 'all'], 'an owner'],
  [{ severity: 'high' }, ['python'], 'this severe or worse'],
  [{ kinds: ['archive'] }, ['all'], 'kinds'],
]
for (const [interest, wanted, because] of interests) {
  test(`a subscription hears what it asked for: ${because}`, async (t) => {
    const { heard, url } = await receiver(t)
    const ownerOf = (image: string) => (image === 'nginx' ? 'team' : undefined)
    const { store, told } = await subscribed(t, url, { interest, ownerOf })
    const archive: MessageKind = 'archive'
    await store.outbox.add([
      message('python', 'python', { severity: 'critical' }),
      message('nginx', 'nginx', { severity: 'medium' }),
      message(undefined, 'all', { kind: archive }),
    ])
    await until(() => told.length === wanted.length)
    await sleep(60)
    assert.deepEqual(heard.map(({ title }) => title).sort(), wanted.toSorted())
  })
}

test('who tells is killed in the middle: another tells it all, some of it twice and nothing never', async (t) => {
  const { heard, url } = await receiver(t)
  const { store, teller: first } = await subscribed(t, url)
  // Durable outcomes are lost, as with kill -9 behind each answer.
  const deaf: FactoryStore = {
    ...store,
    deliveries: {
      subscribe: (...given) => store.deliveries.subscribe(...given),
      route: (...given) => store.deliveries.route(...given),
      take: (...given) => store.deliveries.take(...given),
      nextDue: (...given) => store.deliveries.nextDue(...given),
      settle: () => Promise.reject(new Error('killed')),
    },
  }
  await first.stop()
  const troubles: string[] = []
  const { teller: dying } = await teller(t, deaf, url, { onTrouble: (reason) => troubles.push(reason) })
  await store.outbox.add(Array.from({ length: 20 }, (_, number) => message(`image-${number}`, String(number))))
  await until(() => troubles.length > 0 && heard.length >= 8)
  await dying.stop()
  const before = heard.length
  const later = {
    now: () => new Date(Date.now() + 300_000),
    sleep: (ms: number) => sleep(Math.min(ms, 20)).then(() => undefined),
    random: () => 0.5,
  }
  const { told } = await teller(t, store, url, { clock: later })
  await until(() => told.length === 20)
  assert.equal(new Set(heard.map(({ title }) => title)).size, 20)
  assert.ok(heard.length > before)
})

test('two processes tell each message once', async (t) => {
  const { heard, url } = await receiver(t)
  const { store } = await subscribed(t, url)
  await teller(t, store, url)
  await store.outbox.add(Array.from({ length: 40 }, (_, number) => message(`image-${number % 5}`, String(number))))
  await until(() => heard.length >= 40)
  await sleep(100)
  assert.equal(heard.length, 40)
  for (const image of ['image-0', 'image-4']) {
    const numbers = heard.filter(({ subject }) => subject === image).map(({ title }) => Number(title))
    assert.deepEqual(
      numbers,
      numbers.toSorted((left, right) => left - right),
    )
  }
})

test('a message that is old and still fails is given up with its reason, and what comes behind it is told', async (t) => {
  const { url } = await receiver(t, ({ title }) => (title === 'old' ? 500 : 204))
  const { store, told } = await subscribed(t, url)
  await store.outbox.add([
    message('a', 'old', { at: new Date(Date.now() - 2 * patience.giveUp).toISOString() }),
    message('a', 'new'),
  ])
  await until(() => told.length === 2)
  assert.deepEqual(
    told.map(({ outcome }) => outcome.state),
    ['dead', 'delivered'],
  )
  const [dead] = told
  assert.ok(dead?.outcome.state === 'dead')
  assert.equal(dead.outcome.reason, 'given up after attempt 1: it answered 500')
})

test('who answers 410 is not told that again, and a redirect is a failure with its reason', async (t) => {
  const { url } = await receiver(t, (_, count) => (count === 1 ? 302 : 410))
  const { store, told } = await subscribed(t, url)
  await store.outbox.add([message('a', 'gone')])
  await until(() => told.length === 2)
  const reasons = told.map(({ outcome }) => ('reason' in outcome ? outcome.reason : ''))
  assert.deepEqual(reasons, ['it answered 302, a redirect, which is not followed', 'it answered 410'])
  assert.equal(told[1]?.outcome.state, 'dead')
})

test('secrets are read from where they are kept, and one that is missing is an error by its place', async () => {
  const one = subscription('https://hooks.example.org/a')
  await assert.rejects(openWebhooks([one], {}), {
    code: 'WEBHOOK_INVALID',
    message: /env:HOOK: there is no such variable/,
  })
  const file = { ...one, secrets: [{ file: '/nowhere/secret' }] }
  await assert.rejects(openWebhooks([file], {}), { code: 'WEBHOOK_INVALID', message: /file:\/nowhere\/secret/ })
  for (const webhook of [
    'file:///etc/passwd',
    'gopher://hooks.example.org',
    'https://user:password@hooks.example.org/',
    'no',
  ]) {
    await assert.rejects(openWebhooks([{ ...one, webhook }], { HOOK: secret }), (error: Error & { code?: string }) => {
      return error.code === 'WEBHOOK_INVALID' && !error.message.includes('password@')
    })
  }
  const names = (await openWebhooks([one, one, subscription('https://hooks.example.org/b')], { HOOK: secret })).map(
    ({ name }) => name,
  )
  assert.equal(new Set(names).size, 3)
})
