import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FactoryStore, Held, Plan, StandingLevel } from '#factory'
import { testServers } from '#testkit'
import { tellHeld, tellLate } from './tell-standings.ts'

const servers = testServers()
const made = '2026-11-22T12:00:00.000Z'
const frozen: Held = { by: 'policy', reason: 'frozen for holidays', until: '2027-01-04T00:00:00.000Z' }

function plan(held: Readonly<Record<string, Held | undefined>>): Plan {
  const reasons = [
    {
      event: 1,
      advisories: ['CVE-2026-1000'],
      source: 'openssl',
      severity: 'high' as const,
      changes: [{ package: 'libssl3t64', from: '1', to: '2' }],
    },
  ]
  return {
    events: [1],
    images: Object.entries(held).map(([image, by]) => ({ image, after: [], reasons, held: by })),
    made,
  }
}

/** Everything that was told, the oldest first. */
async function titles({ outbox }: FactoryStore): Promise<readonly string[]> {
  return (await outbox.latest(undefined, 100)).map(({ title }) => title).reverse()
}

test('that an image is held is told once while it is held so, and again when it is held otherwise or anew', async (t) => {
  const store = await servers.store(t, 'embedded')
  await tellHeld(store, plan({ app: frozen, web: undefined }), 1)
  await tellHeld(store, plan({ app: frozen }), 2)
  await tellHeld(store, plan({ web: frozen }), 3)
  assert.deepEqual(await titles(store), [
    'app is held by policy: frozen for holidays, until 2027-01-04T00:00:00.000Z',
    'web is held by policy: frozen for holidays, until 2027-01-04T00:00:00.000Z',
  ])
  await tellHeld(store, plan({ app: { by: 'approval', reason: 'payments-team has to agree' } }), 4)
  await tellHeld(store, plan({ web: undefined }), 5)
  await tellHeld(store, plan({ web: frozen }), 6)
  assert.deepEqual((await titles(store)).slice(2), [
    'app is held by approval: payments-team has to agree',
    'web is held by policy: frozen for holidays, until 2027-01-04T00:00:00.000Z',
  ])
  const [last] = await store.outbox.latest('app', 1)
  assert.equal(last?.severity, 'high')
})

test('of many that tell the same at once, one does', async (t) => {
  const store = await servers.store(t, 'embedded')
  await Promise.all([1, 2, 3, 4].map(() => tellHeld(store, plan({ app: frozen }), 1)))
  assert.equal((await titles(store)).length, 1)
})

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

test('what was published late, and what waits for Debian, is told of nobody', async (t) => {
  const store = await servers.store(t, 'embedded')
  await tellLate(store, [late('breached', { isOpen: false }), late('waiting', { due: undefined, spent: 0 })], made)
  assert.deepEqual(await titles(store), [])
})
