import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FindingWay } from '../clock.ts'
import { chainNotes, LEDGER_START } from '../ledger.ts'
import { parseFactorySettings } from '../settings/factory-settings.ts'
import { type Excuse, excuseNote, excuseOf } from './excuse.ts'
import { standingOf } from './service-level.ts'
import { supportEnds } from './support-end.ts'
import { bySeverity, timesToPatch } from './time-to-patch.ts'

const { levels } = parseFactorySettings('sla: { critical: 2d, high: 4d, warn: 75% }', 'factory.yaml')

function way(marks: FindingWay['marks'], more: Partial<FindingWay> = {}): FindingWay {
  return { finding: 'CVE-2026-1 openssl', image: 'base', severity: 'high', marks, ...more }
}

const day = (number: number) => `2026-11-${String(number).padStart(2, '0')}T00:00:00.000Z`
const excuse: Excuse = {
  image: 'base',
  finding: 'CVE-2026-1',
  by: 'ana',
  reason: 'no path to it',
  until: day(20),
  given: day(10),
}

const standings: [FindingWay, string, readonly Excuse[], string, string][] = [
  [way({ disclosed: day(1) }), day(9), [], 'waiting', 'Debian has no fix yet, so no time runs'],
  [way({ 'fix-available': day(1) }), day(2), [], 'within', 'a quarter of its time is over'],
  [way({ 'fix-available': day(1) }), day(4), [], 'warning', 'three quarters are'],
  [way({ 'fix-available': day(1) }), day(5), [], 'warning', 'its last moment'],
  [way({ 'fix-available': day(1) }), day(6), [], 'breached', 'it is late'],
  [way({ 'fix-available': day(1) }), day(12), [excuse], 'excused', 'and somebody answers for it'],
  [way({ 'fix-available': day(1) }), day(20), [excuse], 'breached', 'until the day on which that ends'],
  [
    way({ 'fix-available': day(1) }),
    day(9),
    [excuse],
    'breached',
    'an excuse does not reach back to before it was given',
  ],
  [way({ 'fix-available': day(1) }, { image: 'shop' }), day(12), [excuse], 'breached', 'an excuse is of one image'],
  [
    way({ 'fix-available': day(1) }, { finding: 'CVE-2026-10 openssl' }),
    day(12),
    [excuse],
    'breached',
    'and of one advisory',
  ],
  [way({ 'fix-available': day(1), published: day(3) }), day(28), [], 'within', 'what was published in time stays so'],
  [way({ 'fix-available': day(1), published: day(6) }), day(28), [], 'breached', 'what was published late stays so'],
  [way({ 'fix-available': day(1), published: day(12) }), day(28), [excuse], 'excused', 'unless it was excused then'],
  [way({ 'fix-available': day(1) }, { severity: 'critical' }), day(4), [], 'breached', 'the severity decides'],
  [
    way({ 'fix-available': day(1) }, { severity: undefined }),
    day(6),
    [],
    'breached',
    'what nobody rated counts as high',
  ],
]
for (const [finding, now, excuses, state, because] of standings) {
  test(`a finding is ${state} on ${now.slice(0, 10)}: ${because}`, () => {
    const standing = standingOf(finding, { levels, excuses, now })
    assert.equal(standing.state, state)
    assert.equal(standing.excuse, state === 'excused' ? excuse : undefined)
  })
}

test('an excuse goes into the ledger and comes back, and what is none is refused', () => {
  const [entry] = chainNotes(LEDGER_START, [excuseNote(excuse)])
  assert.ok(entry !== undefined)
  assert.deepEqual(excuseOf(entry), excuse)
  assert.throws(() => excuseOf({ ...entry, body: { finding: 'CVE-2026-1' } }), {
    code: 'LEDGER_INVALID',
    message: /excuse of entry 1: `by` is missing/,
  })
})

test('times to patch are taken apart by severity, from disclosure and from the fix', () => {
  const ways = [
    way({ disclosed: day(1), 'fix-available': day(3), published: day(4) }),
    way({ disclosed: day(1), 'fix-available': day(5), published: day(8) }),
    way({ disclosed: day(1), 'fix-available': day(5) }),
    way({ 'fix-available': day(5), published: day(6) }, { severity: undefined }),
    way({ disclosed: day(2), 'fix-available': day(5) }, { severity: 'critical' }),
  ]
  const [critical, high, unrated] = [...timesToPatch(ways, ({ severity }) => severity)].sort(bySeverity)
  const hours = (days: number) => days * 86_400_000
  assert.deepEqual([critical?.[0], high?.[0], unrated?.[0]], ['critical', 'high', undefined])
  assert.deepEqual(critical?.[1], {
    fromDisclosure: undefined,
    fromFix: undefined,
    waitingForDebian: { count: 1, mean: hours(3), p50: hours(3), p90: hours(3), p99: hours(3) },
    published: 0,
    open: 1,
  })
  assert.deepEqual([high?.[1].published, high?.[1].open], [2, 1])
  assert.deepEqual([high?.[1].fromDisclosure?.mean, high?.[1].fromDisclosure?.p90], [hours(5), hours(7)])
  assert.deepEqual([high?.[1].fromFix?.mean, high?.[1].waitingForDebian?.count], [hours(2), 3])
})

test('of both supports the end that comes first is told first, and the last day counts', () => {
  const images = [
    { image: 'python', archiveEnd: '2028-08-09', upstreamEnd: '2026-11-22' },
    { image: 'node', archiveEnd: undefined, upstreamEnd: '2026-11-21' },
    { image: 'static', archiveEnd: undefined, upstreamEnd: undefined },
  ]
  const found = supportEnds(images, { now: Date.parse('2026-11-22T12:00:00Z'), near: 180 })
  assert.deepEqual(
    found.map(({ image, supporter, left, state }) => [image, supporter, left, state]),
    [
      ['node', 'upstream', 0, 'ended'],
      ['python', 'upstream', 1, 'ends'],
      ['python', 'archive', 627, 'supported'],
    ],
  )
})
