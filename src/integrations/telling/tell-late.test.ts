import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FactoryStore, StandingLevel } from '#factory'
import { testServers } from '#testkit'
import { tellLate } from './tell-late.ts'

const servers = testServers()
const made = '2026-11-22T12:00:00.000Z'

/** Everything that was told, the oldest first. */
async function titles({ outbox }: FactoryStore): Promise<readonly string[]> {
  return (await outbox.latest(undefined, 100)).map(({ title }) => title).reverse()
}

const late = (state: StandingLevel['state'], more: Partial<StandingLevel> = {}): StandingLevel => ({
  ...{ finding: 'CVE-2026-1000 openssl', image: 'app', severity: 'critical', isOpen: true },
  ...{ due: '2026-11-22T12:00:00.000Z', spent: 86_400_000, state },
  ...more,
})

test('a warning and a breach are told once each, and again after an excuse has ended', async (t) => {
  const store = await servers.store(t, 'embedded')
  const states = ['within', 'warning', 'warning', 'breached', 'breached', 'excused', 'breached'] as const
  for (const state of states) await tellLate(store, [late(state)], made)
  assert.deepEqual((await store.outbox.latest('app', 10)).map(({ kind }) => kind).reverse(), [
    'warning',
    'breach',
    'breach',
  ])
  assert.deepEqual(
    (await titles(store))[0],
    'CVE-2026-1000 openssl in app is to be patched by 2026-11-22T12:00:00.000Z',
  )
  const [message] = await store.outbox.latest('app', 1)
  assert.deepEqual(message?.body, {
    finding: 'CVE-2026-1000 openssl',
    since: '2026-11-21T12:00:00.000Z',
    due: '2026-11-22T12:00:00.000Z',
  })
})

test('of many that tell the same at once, one does', async (t) => {
  const store = await servers.store(t, 'embedded')
  await Promise.all([1, 2, 3, 4].map(() => tellLate(store, [late('breached')], made)))
  assert.equal((await titles(store)).length, 1)
})

test('what was published late, and what waits for Debian, is told of nobody', async (t) => {
  const store = await servers.store(t, 'embedded')
  await tellLate(store, [late('breached', { isOpen: false }), late('waiting', { due: undefined, spent: 0 })], made)
  assert.deepEqual(await titles(store), [])
})
