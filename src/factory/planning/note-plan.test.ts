import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TEST_SERVERS, testServers } from '#testkit'
import type { Reason } from '../plan.ts'
import { marksOfPlan, notePlan } from './note-plan.ts'

const servers = testServers()
const at = '2026-11-22T12:00:00.000Z'
const disclosed = () => '2026-11-01T00:00:00.000Z'
const basis = { disclosed, waiting: new Map() }

const reason: Reason = {
  event: 1,
  source: 'openssl',
  advisories: ['CVE-2026-1'],
  severity: 'high',
  changes: [{ package: 'libssl3t64', from: '3.5.6-1', to: '3.5.7-1' }],
}
const finding = {
  finding: 'CVE-2026-1 openssl',
  advisory: 'CVE-2026-1',
  severity: 'high',
  available: at,
  seen: at,
} as const

function planned(event: number) {
  const held = { by: 'hold', reason: 'ana: audit' } as const
  const images = [
    { image: 'base', after: [], reasons: [{ ...reason, event }], held: undefined },
    { image: 'shop', after: [], reasons: [{ ...reason, event }], held },
  ]
  const findings = new Map(images.map(({ image }) => [image, [finding]]))
  return { plan: { events: [event], images, made: at }, answers: [event], findings, unchanged: [], next: undefined }
}

test('a held image comes to no mark of planning, and what waits in one that is rebuilt neither', () => {
  const waits = { by: 'parent', reason: 'base is held' } as const
  const { plan, findings } = planned(1)
  const [base, shop] = plan.images
  const marks = marksOfPlan({ plan, findings }, disclosed)
  assert.deepEqual(
    marks.map(({ image, mark }) => `${image} ${mark}`),
    [
      'base disclosed',
      'base fix-available',
      'base seen',
      'base planned',
      'shop disclosed',
      'shop fix-available',
      'shop seen',
    ],
  )
  assert.ok(base !== undefined && shop !== undefined)
  const waiting = { ...plan, images: [{ ...base, reasons: [{ ...reason, waits }] }] }
  assert.ok(marksOfPlan({ plan: waiting, findings }, () => undefined).every(({ mark }) => mark !== 'planned'))
})

for (const server of TEST_SERVERS) {
  test(`a plan is noted once, with its marks and its place in the ledger, ${server}`, async (t) => {
    const store = await servers.store(t, server)
    const event = { kind: 'asked', subject: 'base', key: 'one', payload: {}, seen: at } as const
    const [{ id = 0 } = {}] = await store.events.record([event])
    const note = () => store.transaction((logs) => notePlan(logs, planned(id), basis))
    const noted = await note()
    assert.deepEqual(await note(), noted)
    const entries = await store.ledger.read(0, 10)
    assert.deepEqual(
      entries.map(({ kind, subject }) => [kind, subject]),
      [['plan', `plan ${noted?.plan}`]],
    )
    assert.deepEqual((await store.clocks.ofImage('base')).map(({ mark, severity }) => `${mark} ${severity}`).sort(), [
      'disclosed high',
      'fix-available high',
      'planned high',
      'seen high',
    ])
    const [told] = await store.outbox.latest('shop', 10)
    assert.equal(told?.title, 'shop is held by hold: ana: audit')
    // What is held as it was is not said again; what is to be done is.
    const held = planned(id).plan.images.flatMap(({ image, reasons, held: keeps }) =>
      keeps === undefined ? [] : [[image, { reasons, held: keeps }] as const],
    )
    const again = await notePlan(store, planned(id), { disclosed, waiting: new Map(held) })
    assert.notEqual(again?.plan, noted?.plan)
    assert.deepEqual(
      (await store.plans.read(again?.plan ?? 0))?.images.map(({ image }) => image),
      ['base'],
    )
    const nothing = { ...planned(id), answers: [], plan: { events: [], images: [], made: at } }
    assert.equal(await notePlan(store, nothing, basis), undefined)
  })
}
