import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { testServers } from '#testkit'
import { eventKey } from '../event.ts'
import type { StageRecord } from '../run.ts'
import { StageJournal } from './stage-journal.ts'

const servers = testServers()
const at = '2026-11-22T12:00:00.000Z'

test('what comes together is recorded together, and what is wrong with one is not the end of the others', async (t) => {
  const store = await servers.store(t, 'embedded')
  const event = { kind: 'asked', subject: 'all', key: eventKey('asked', 'all', 1), payload: {}, seen: at } as const
  const [{ id = 0 } = {}] = await store.events.record([event])
  const run = await store.runs.start(await store.plans.record({ events: [id], images: [], made: at }), at)
  const step = (of: number, image: string): StageRecord => {
    return { run: of, image, stage: 'build', attempt: 1, input: digestOf(''), worker: 'w', at, state: 'started' }
  }
  let transactions = 0
  const counting: typeof store = {
    ...store,
    transaction(work) {
      transactions++
      return store.transaction(work)
    },
  }
  const journal = new StageJournal(counting)
  const images = Array.from({ length: 200 }, (_, number) => `app-${number}`)
  const mark = { finding: 'CVE-2026-1000 openssl', mark: 'built', at } as const
  await Promise.all(images.map((image) => journal.record([step(run, image)], [{ ...mark, image }])))
  assert.equal((await store.runs.records(run)).length, 200)
  assert.equal((await store.clocks.ofImage('app-7')).length, 1)
  assert.ok(transactions < 10, `${transactions} transactions`)
  const outcomes = await Promise.allSettled([
    journal.record([step(run, 'first')]),
    journal.record([step(run, 'second')]),
    journal.record([step(run + 1, 'of no run')]),
    journal.record([step(run, 'third')]),
  ])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
  )
  assert.equal((await store.runs.records(run)).length, 203)
})
