import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventKey, type Plan, type WorkMessage } from '#factory'
import { TEST_SERVERS, testServers } from '#testkit'
import type { OpenStore } from '../store.ts'

const servers = testServers()
const at = '2026-11-22T12:00:00.000Z'
const end = { state: 'done', reason: 'released', at } as const

/** A run of a plan: `python` is built on `base`, `nginx` is held. */
async function runOf({ events, plans, runs }: OpenStore): Promise<number> {
  const [event] = await events.record([
    { kind: 'asked', subject: 'base', key: eventKey('asked', 'base', 1), payload: {}, seen: at },
  ])
  const reasons = [{ event: event?.id ?? 0, advisories: [], changes: [] }]
  const plan: Plan = {
    events: [event?.id ?? 0],
    images: [
      { image: 'base', after: [], reasons, held: undefined },
      { image: 'python', after: ['base'], reasons, held: undefined },
      { image: 'nginx', after: ['base'], reasons, held: { by: 'policy', reason: 'a freeze' } },
    ],
    made: at,
  }
  return await runs.start(await plans.record(plan), at)
}

/** Takes messages until there are so many. */
async function taken(store: OpenStore, count: number, concurrency = 2): Promise<WorkMessage[]> {
  const messages: WorkMessage[] = []
  const all = Promise.withResolvers<void>()
  const queue = await store.queue.take(
    async (message) => {
      messages.push(message)
      if (messages.length >= count) all.resolve()
    },
    { concurrency, onError: all.reject },
  )
  await all.promise
  await queue.stop(5000)
  return messages
}

for (const server of TEST_SERVERS) {
  test(`work is handed over with the transaction that sends it, and not without, ${server}`, async (t) => {
    const store = await servers.store(t, server)
    const run = await runOf(store)
    const failing = store.transaction(async ({ work }) => {
      await work.send(run, [{ phase: 'make', images: ['python'], isBegun: false }])
      throw new Error('no')
    })
    await assert.rejects(failing, { message: 'no' })
    await store.transaction(({ work }) => work.send(run, [{ phase: 'make', images: ['base'], isBegun: false }]))
    assert.deepEqual(await taken(store, 1), [{ run, batch: 1 }])
    assert.deepEqual(await store.work.batch({ run, batch: 1 }), { phase: 'make', images: ['base'] })
    assert.equal(await store.work.batch({ run, batch: 2 }), undefined)
  })

  test(`what belongs to a family that is begun overtakes what does not, ${server}`, async (t) => {
    const store = await servers.store(t, server)
    const run = await runOf(store)
    await store.work.send(run, [
      { phase: 'make', images: ['base'], isBegun: false },
      { phase: 'make', images: ['python'], isBegun: true },
    ])
    await store.work.send(run, [{ phase: 'publish', images: ['base'], isBegun: true }])
    const order = await taken(store, 3, 1)
    assert.deepEqual(
      order.map(({ batch }) => batch),
      [2, 3, 1],
    )
  })

  test(`work that is rejected comes again, ${server}`, async (t) => {
    const store = await servers.store(t, server)
    const run = await runOf(store)
    await store.work.send(run, [{ phase: 'make', images: ['base'], isBegun: false }])
    const errors: unknown[] = []
    const done = Promise.withResolvers<void>()
    let tries = 0
    const queue = await store.queue.take(
      async () => {
        if (++tries < 2) throw new Error('the disk is full')
        done.resolve()
      },
      { concurrency: 1, onError: (error) => errors.push(error) },
    )
    await done.promise
    await queue.stop(5000)
    assert.deepEqual(errors.map(String), ['Error: the disk is full'])
  })

  test(`an image is handed over once for each phase, ${server}`, async (t) => {
    const store = await servers.store(t, server)
    const run = await runOf(store)
    await store.work.send(run, [{ phase: 'make', images: ['base'], isBegun: false }])
    await store.work.send(run, [{ phase: 'publish', images: ['base'], isBegun: false }])
    await assert.rejects(store.work.send(run, [{ phase: 'make', images: ['python', 'base'], isBegun: false }]), {
      code: 'RECORD_REFUSED',
    })
    const state = await store.work.state(run)
    assert.deepEqual(
      state?.images.map(({ image, after, sent }) => ({ image, after, sent: sent.toSorted() })),
      [
        { image: 'base', after: [], sent: ['make', 'publish'] },
        { image: 'python', after: ['base'], sent: [] },
      ],
    )
  })

  test(`what the queue has lost is sent again, and nothing else, ${server}`, async (t) => {
    const store = await servers.store(t, server)
    const run = await runOf(store)
    await store.work.send(run, [
      { phase: 'make', images: ['base'], isBegun: false },
      { phase: 'make', images: ['python'], isBegun: false },
    ])
    assert.equal((await taken(store, 2)).length, 2)
    await store.work.end(run, [{ image: 'base', ...end }])
    await store.work.resend(run)
    await store.work.resend(run)
    assert.deepEqual(await taken(store, 1), [{ run, batch: 2 }])
  })

  test(`a plan has one run, which is open until it is closed, ${server}`, async (t) => {
    const store = await servers.store(t, server)
    const run = await runOf(store)
    assert.equal(await runOf(store), run)
    assert.deepEqual(await store.work.open(), [run])
    await store.runs.cancel(run, { by: 'ada', reason: 'a mistake', at })
    await store.runs.cancel(run, { by: 'bob', reason: 'another word', at })
    assert.deepEqual((await store.work.state(run))?.cancelled, { by: 'ada', reason: 'a mistake' })
    await store.work.close(run, at)
    await store.work.close(run, at)
    assert.deepEqual(await store.work.open(), [])
    assert.equal(await store.work.state(run + 1), undefined)
  })

  test(`who works under a name is alone with it, ${server}`, async (t) => {
    const store = await servers.store(t, server)
    const inside: string[] = []
    const work = (name: string) => async () => {
      inside.push(`${name} in`)
      await sleep(50)
      inside.push(`${name} out`)
    }
    await Promise.all([
      store.exclusively(['base', 'python'], work('one')),
      store.exclusively(['python', 'nginx'], work('two')),
    ])
    assert.match(inside.join(', '), /^(one in, one out, two in, two out|two in, two out, one in, one out)$/)
    await assert.rejects(
      store.exclusively(['base'], async () => {
        throw new Error('no')
      }),
      { message: 'no' },
    )
    assert.equal(await store.exclusively(['base'], async () => 'again'), 'again')
  })
}
