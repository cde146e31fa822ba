import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reason } from '../plan.ts'
import { parseFactorySettings } from '../settings/factory-settings.ts'
import { type HoldBasis, type HoldQuestion, heldBack } from './holds.ts'

const reason: Reason = {
  event: 1,
  advisories: ['CVE-2026-1000'],
  changes: [{ package: 'libssl3t64', from: '3.5.6-1', to: '3.5.7-1' }],
}
const question: HoldQuestion = {
  image: 'payments',
  reasons: [reason],
  severity: 'high',
  isUpdate: true,
  released: undefined,
  archives: new Set(['debian-13']),
  approval: undefined,
  failed: undefined,
}

function held(
  now: string,
  policy: string,
  { holds = [], alarms = new Map(), ...asked }: Partial<HoldQuestion & Pick<HoldBasis, 'holds' | 'alarms'>> = {},
) {
  const settings = parseFactorySettings(`policy: ${policy}`, 'factory.yaml')
  return heldBack({ ...question, ...asked }, { policy: settings.policy, holds, alarms, now: Date.parse(now) })
}

const berlin = '{ windows: [{ images: [pay*], days: [tue, thu], from: "02:00", until: "05:00", zone: Europe/Berlin }] }'
const night = '{ windows: [{ days: [sat], from: "22:00", until: "04:00", zone: Europe/Berlin }] }'
const clockChange = '{ windows: [{ days: [sun], from: "02:15", until: "02:45", zone: Europe/Berlin }] }'
const windows: [string, string, string | undefined, string][] = [
  [berlin, '2026-11-22T12:00:00Z', '2026-11-24T01:00:00.000Z', 'on Sunday until Tuesday, by winter time'],
  [berlin, '2026-11-24T01:00:00Z', undefined, 'in its first minute'],
  [berlin, '2026-11-24T04:00:00Z', '2026-11-26T01:00:00.000Z', 'when it is over until the next'],
  [berlin, '2026-07-06T12:00:00Z', '2026-07-07T00:00:00.000Z', 'by summer time an hour earlier'],
  [night, '2026-11-22T02:59:00Z', undefined, 'past midnight of the day that it began on'],
  [night, '2026-11-22T03:00:00Z', '2026-11-28T21:00:00.000Z', 'when the night is over until the next week'],
  [night, '2026-10-25T02:30:00Z', undefined, 'in a night that has an hour more'],
  [clockChange, '2026-03-28T12:00:00Z', '2026-04-05T00:15:00.000Z', 'a window that clocks skip is none'],
]
for (const [policy, now, until, because] of windows) {
  test(`an image is ${until === undefined ? 'free' : `held until ${until}`} at ${now}: ${because}`, () => {
    const found = held(now, policy)
    assert.equal(found?.until, until)
    assert.equal(found?.by, until === undefined ? undefined : 'policy')
  })
}

test('a window that names other images, and one that excepts what is fixed, hold nothing', () => {
  assert.equal(held('2026-11-22T12:00:00Z', berlin, { image: 'shop' }), undefined)
  const excepting = '{ windows: [{ days: [tue], from: "02:00", until: "05:00", except: [critical, high] }] }'
  assert.equal(held('2026-11-22T12:00:00Z', excepting), undefined)
  assert.equal(held('2026-11-22T12:00:00Z', excepting, { severity: 'medium' })?.until, '2026-11-24T02:00:00.000Z')
})

test('a freeze holds from its first day to the beginning of the one on which it ends, but for what it excepts', () => {
  const freeze = '{ freezes: [{ from: 2026-12-20, until: 2027-01-04, except: [critical], reason: holidays }] }'
  assert.equal(held('2026-12-19T23:59:59Z', freeze), undefined)
  const until = '2027-01-04T00:00:00.000Z'
  assert.deepEqual(held('2026-12-20T00:00:00Z', freeze), { by: 'policy', reason: 'frozen: holidays', until })
  assert.equal(held('2027-01-04T00:00:00Z', freeze), undefined)
  assert.equal(held('2026-12-24T00:00:00Z', freeze, { severity: 'critical' }), undefined)
})

test('what closes no finding waits for the cool-down; a fix, and what a person asked for, do not', () => {
  const released = Date.parse('2026-11-22T11:30:00Z')
  const update = { severity: undefined, released } as const
  assert.equal(held('2026-11-22T12:00:00Z', '{}', update)?.until, '2026-11-22T12:30:00.000Z')
  assert.equal(held('2026-11-22T12:30:00Z', '{}', update), undefined)
  assert.equal(held('2026-11-22T12:00:00Z', '{}', { ...update, severity: 'low' }), undefined)
  assert.equal(held('2026-11-22T12:00:00Z', '{}', { ...update, isUpdate: false }), undefined)
})

test('a person holds one image or all, and of several reasons the one that lasts longest is told', () => {
  const hold = { id: 1, reason: 'audit', by: 'ana', placed: '2026-11-22T00:00:00.000Z' }
  const now = '2026-12-22T12:00:00Z'
  const freeze = '{ freezes: [{ from: 2026-12-20, until: 2027-01-04, reason: holidays }] }'
  const until = '2026-12-23T00:00:00.000Z'
  assert.equal(held(now, '{}', { holds: [{ ...hold, image: 'shop', until }] }), undefined)
  assert.deepEqual(held(now, '{}', { holds: [{ ...hold, image: 'payments', until }] }), {
    by: 'hold',
    reason: 'ana: audit',
    until,
  })
  assert.equal(held(now, freeze, { holds: [{ ...hold, image: undefined, until }] })?.by, 'policy')
  assert.deepEqual(held(now, freeze, { holds: [{ ...hold, image: undefined, until: undefined }] }), {
    by: 'hold',
    reason: 'ana: audit',
  })
})

test('an approval is of what was seen: what came since has to be approved as well', () => {
  const rule = '{ approval: [{ images: [payments], by: payments-team, except: [critical] }] }'
  const now = '2026-11-22T12:00:00Z'
  assert.deepEqual(held(now, rule), { by: 'approval', reason: 'payments-team has to approve it' })
  assert.equal(held(now, rule, { severity: 'critical' }), undefined)
  const approval = { approved: true, reason: 'seen', by: 'bo', reasons: [reason] }
  assert.equal(held(now, rule, { approval }), undefined)
  const refused = held(now, rule, { approval: { ...approval, approved: false, reason: 'not today' } })
  assert.equal(refused?.reason, 'bo refused it: not today')
  const more = { ...reason, event: 2, changes: [{ package: 'zlib1g', from: '1', to: '2' }] }
  assert.equal(
    held(now, rule, { approval, reasons: [reason, more] })?.reason,
    'bo approved it without zlib1g 2; payments-team has to approve that, too',
  )
})

test('nothing is built from an archive that there is an alarm for, whatever for', () => {
  const alarms = new Map([['debian-13', 'its trixie-security went back to 2026-11-01']])
  assert.deepEqual(held('2026-11-22T12:00:00Z', '{}', { alarms, severity: 'critical' }), {
    by: 'archive',
    reason: 'debian-13 must not be built from: its trixie-security went back to 2026-11-01',
  })
  assert.equal(held('2026-11-22T12:00:00Z', '{}', { alarms, archives: new Set(['ours']) }), undefined)
})
