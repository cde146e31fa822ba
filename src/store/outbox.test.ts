import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FactoryStore, Message, NewMessage } from '#factory'
import { TEST_SERVERS, testServers } from '#testkit'

const servers = testServers()
const at = '2026-11-22T12:00:00.000Z'
const minutes = (count: number) => new Date(Date.parse(at) + count * 60_000).toISOString()
const all = () => true

function held(image: string | undefined, title = 't'): NewMessage {
  return { kind: 'held', ...(image === undefined ? {} : { image }), title, body: { plan: 1 }, at }
}

/** What is due for a subscriber, at most ten, taken for a minute. */
async function take({ deliveries }: FactoryStore, now: number, subscriber = 'hook') {
  return await deliveries.take(subscriber, { limit: 10, now: minutes(now), lease: minutes(now + 1) })
}

const titles = (due: readonly { message: Message }[]) => due.map(({ message }) => message.title)

for (const server of TEST_SERVERS) {
  test(`a watch is moved on by whoever read it last, ${server}`, async (t) => {
    const { watches } = await servers.store(t, server)
    assert.equal(await watches.read('archive a'), undefined)
    assert.equal(await watches.move('archive a', 0, { state: 1, content: Uint8Array.of(1, 2), at }), true)
    assert.equal(await watches.move('archive a', 0, { state: 2, at }), false)
    const read = await watches.read('archive a')
    assert.deepEqual([read?.revision, read?.state, [...(read?.content ?? [])]], [1, 1, [1, 2]])
    const moves = await Promise.all([3, 4, 5].map((state) => watches.move('archive a', 1, { state, at })))
    assert.equal(moves.filter((moved) => moved).length, 1)
    assert.deepEqual([...((await watches.read('archive a'))?.content ?? [])], [1, 2], 'the content stays')
    await watches.move('archive_b', 0, { state: null, at })
    assert.deepEqual([...(await watches.states('archive ')).keys()], ['archive a'])
  })

  test(`what a clock that was wrong by a year let wait is told when it is right again, ${server}`, async (t) => {
    const store = await servers.store(t, server)
    const { outbox, deliveries } = store
    const year = 366 * 24 * 60
    await deliveries.subscribe('hook')
    await outbox.add([held('base', 'b1'), held('app', 'a1')])
    await deliveries.route('hook', all, { limit: 10, now: minutes(year) })
    const [first] = await take(store, year)
    await deliveries.settle('hook', first!, { state: 'failed', reason: '503', again: minutes(year + 60), at })
    assert.deepEqual(titles(await take(store, year + 1)), ['a1'], 'the other one waits its hour')
    assert.deepEqual(titles(await take(store, 0)), ['b1', 'a1'], 'nobody waits a year')
    assert.deepEqual(titles(await take(store, 0)), [], 'and they are taken')
  })

  test(`messages are told in order per image, and each image by itself, ${server}`, async (t) => {
    const store = await servers.store(t, server)
    const { outbox, deliveries } = store
    await outbox.add([held('base', 'before anybody wanted to know')])
    await deliveries.subscribe('hook')
    await outbox.add([held('base', 'b1'), held('base', 'b2'), held('app', 'a1'), held(undefined, 'all')])
    await deliveries.subscribe('hook')
    assert.equal(await deliveries.route('hook', all, { limit: 10, now: at }), 4)
    assert.equal(await deliveries.route('hook', all, { limit: 10, now: at }), 0)
    const due = await take(store, 0)
    assert.deepEqual(titles(due), ['b1', 'a1', 'all'])
    assert.deepEqual(titles(await take(store, 0)), [], 'they are taken')
    await deliveries.settle('hook', due[0]!, { state: 'failed', reason: '503', again: minutes(5), at })
    await deliveries.settle('hook', due[1]!, { state: 'delivered', at })
    assert.deepEqual(titles(await take(store, 0.5)), [], 'b2 waits for b1')
    assert.deepEqual(titles(await take(store, 2)), ['all'], 'whoever took it said nothing in time')
    assert.equal(await deliveries.nextDue('hook'), minutes(3))
    const again = await take(store, 5)
    assert.deepEqual(
      again.map(({ message, attempt }) => [message.title, attempt]),
      [
        ['b1', 2],
        ['all', 3],
      ],
    )
    await deliveries.settle('hook', again[0]!, { state: 'dead', reason: 'after 3 days', at })
    assert.deepEqual(titles(await take(store, 5)), ['b2'])
  })

  test(`what was told late by somebody who lost it is told all the same, ${server}`, async (t) => {
    const store = await servers.store(t, server)
    await store.deliveries.subscribe('hook')
    await store.outbox.add([held('base')])
    await store.deliveries.route('hook', all, { limit: 10, now: at })
    const [slow] = await take(store, 0)
    const [other] = await take(store, 2)
    await store.deliveries.settle('hook', slow!, { state: 'failed', reason: 'a time-out', again: minutes(3), at })
    assert.equal(await store.deliveries.nextDue('hook'), minutes(3))
    await store.deliveries.settle('hook', slow!, { state: 'dead', reason: 'too late', at })
    await store.deliveries.settle('hook', other!, { state: 'delivered', at })
    assert.equal(await store.deliveries.nextDue('hook'), undefined)
  })

  test(`a message that commits late is never passed over, ${server}`, async (t) => {
    const store = await servers.store(t, server)
    await store.deliveries.subscribe('hook')
    const route = () => store.deliveries.route('hook', all, { limit: 1000, now: at })
    const writers = Array.from({ length: 40 }, (_, number) =>
      store.transaction(async ({ outbox }) => {
        await outbox.add([held(`image-${number}`)])
        await new Promise((resolve) => setTimeout(resolve, number % 3))
      }),
    )
    let routed = 0
    for (let looks = 0; looks < 20; looks++) routed += await route()
    await Promise.all(writers)
    assert.equal(routed + (await route()), 40)
  })

  test(`messages are looked at once, and only those that are wanted are under way, ${server}`, async (t) => {
    const store = await servers.store(t, server)
    await store.deliveries.subscribe('hook')
    await store.outbox.add(Array.from({ length: 30 }, (_, number) => held(`image-${number}`)))
    const wants = ({ image }: Message) => image === 'image-7'
    const looks = await Promise.all([1, 2, 3].map(() => store.deliveries.route('hook', wants, { limit: 20, now: at })))
    assert.equal(
      looks.reduce((sum, count) => sum + count, 0),
      30,
    )
    assert.deepEqual(
      (await take(store, 0)).map(({ message }) => message.image),
      ['image-7'],
    )
  })

  test(`messages that reached everybody are forgotten, but for the newest of each image, ${server}`, async (t) => {
    const store = await servers.store(t, server)
    const { outbox, deliveries } = store
    for (const name of ['hook', 'gone']) await deliveries.subscribe(name)
    await outbox.add([held('base', 'one'), held('base', 'two'), held('base', 'three'), held(undefined, 'all')])
    await outbox.add([held('shop', 'waits'), held('shop', 'newest')])
    const forget = (before: string, keep = 1) => outbox.forget({ before, subscribers: ['hook'], keep })
    assert.equal(await forget(minutes(1)), 0, 'nobody has looked at them')
    for (const name of ['hook', 'gone']) await deliveries.route(name, all, { limit: 10, now: at })
    for (let round = 0; round < 3; round++) {
      for (const due of await take(store, round)) {
        if (due.message.title === 'waits') continue
        await deliveries.settle('hook', due, { state: 'delivered', at: minutes(round) })
      }
    }
    assert.equal(await forget(at), 0, 'they are not old enough')
    assert.equal(await forget(minutes(1), 3), 0, 'the newest stay')
    assert.equal(await forget(minutes(1)), 2)
    assert.deepEqual(
      (await outbox.latest(undefined, 10)).map(({ title }) => title),
      ['newest', 'waits', 'all', 'three'],
      'what is under way stays, and what a subscriber waits for that is told no more does not',
    )
    assert.equal(await forget(minutes(1)), 0)
    const [dead] = await take(store, 10)
    assert.equal(dead?.message.title, 'waits')
    await deliveries.settle('hook', dead!, { state: 'dead', reason: 'gone', at: minutes(10) })
    assert.equal(await forget(minutes(1)), 1)
    const [next] = await outbox.add([held('base', 'four')])
    assert.ok((next?.id ?? 0) > dead!.message.id, 'numbers are not given again')
  })
}
