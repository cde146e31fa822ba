import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { parseRequest } from '#solver'
import type { FactoryEvent } from '../event.ts'
import { planDigest, type Reason } from '../plan.ts'
import type { HeldPackage } from '../release.ts'
import { parseFactorySettings } from '../settings/factory-settings.ts'
import type { ArchiveChange, ChangedPackage } from '../watching/suite-change.ts'
import { parseArchiveChange } from './archive-change.ts'
import { type ClosedFinding, closeByAdvisories } from './closed-findings.ts'
import { Fleet, type FleetImage } from './fleet.ts'
import { SeenOffers } from './offers.ts'
import { type PlanInput, planRebuilds } from './plan-rebuilds.ts'

const noon = '2026-11-22T12:00:00.000Z'
const AMD64 = 'linux/amd64'

/** `libssl3t64 3.5.6-1 openssl`: name, version and, where it is another, source, which has the same version here. */
function held(text: string, architecture = 'amd64'): HeldPackage {
  const [name = '', version = '', source = name] = text.split(' ')
  return { archive: 'debian-13', name, version, architecture, source: { name: source, version } }
}

function image(
  name: string,
  packages: readonly string[],
  more: Partial<FleetImage> & { asks?: string[] } = {},
): FleetImage {
  const { asks = [], ...rest } = more
  const contents = new Map([[AMD64, packages.map((text) => held(text))]])
  return { image: name, parent: undefined, requests: asks.map(parseRequest), contents, released: undefined, ...rest }
}

function moved(id: number, packages: readonly string[], more: { suite?: string; seen?: string } = {}): FactoryEvent {
  const { suite = 'trixie-security', seen = noon } = more
  const change: ArchiveChange = {
    archive: 'debian-13',
    suite,
    from: { date: '2026-11-21T00:00:00Z', digest: digestOf('before') },
    to: { date: '2026-11-22T11:58:00Z', digest: digestOf(String(id)) },
    packages: packages.map((text): ChangedPackage => {
      const { name, version, source } = held(text)
      return { name, architectures: ['amd64'], to: version, source }
    }),
  }
  const payload = JSON.parse(JSON.stringify(change))
  return { id, kind: 'archive-changed', subject: `debian-13/${suite}`, key: String(id), payload, seen }
}

const standing = (_archive: string, suite: string) => ({
  isSecurity: suite === 'trixie-security',
  priority: suite === 'trixie-backports' ? 100 : 500,
})

type Asked = Partial<Omit<PlanInput, 'fleet' | 'policy'>> & {
  readonly images: readonly FleetImage[]
  readonly policy?: string
  /** By source and version that has it, findings: `CVE-2026-1 high`. */
  readonly fixes?: Readonly<Record<string, readonly string[]>>
  /** Answered before. */
  readonly earlier?: readonly FactoryEvent[]
}

function plan({ images, policy = '{}', fixes = {}, earlier = [], events = [], ...more }: Asked) {
  const offers = new SeenOffers(standing)
  for (const event of [...earlier, ...events]) {
    if (event.kind === 'archive-changed') offers.add(parseArchiveChange(event), { event: event.id, seen: event.seen })
  }
  const closes: PlanInput['closes'] = ({ source, to }) =>
    (fixes[`${source} ${to}`] ?? []).map((text): ClosedFinding => {
      const [advisory = '', severity] = text.split(' ')
      const known = severity === 'critical' || severity === 'high' || severity === 'medium' || severity === 'low'
      return { advisory, severity: known ? severity : undefined, isExploited: severity === 'exploited' }
    })
  return planRebuilds({
    ...{
      events,
      offers,
      closes,
      holds: [],
      alarms: new Map(),
      approvals: new Map(),
      waiting: new Map(),
      underway: new Map(),
      failed: new Map(),
      now: noon,
    },
    fleet: new Fleet(images),
    policy: parseFactorySettings(`policy: ${policy}`, 'factory.yaml').policy,
    ...more,
  })
}

/** A plan in lines: `python after base: CVE-2026-1 high libssl3t64 3.5.6-1 → 3.5.7-1`. */
function lines({ plan: { images } }: ReturnType<typeof plan>): string[] {
  return images.map(({ image: name, after, reasons, held: keeps }) => {
    const order = after.length === 0 ? '' : ` after ${after}`
    const until = keeps?.until === undefined ? '' : ` until ${keeps.until}`
    return `${name}${order}${keeps === undefined ? '' : ` [${keeps.by}: ${keeps.reason}${until}]`}: ${reasons.map(lineOf).join('; ')}`
  })
}

function lineOf({ because, parent, severity, advisories, changes, waits }: Reason): string {
  const moves = changes.map((change) => `${change.package} ${change.from} → ${change.to}`)
  const from = parent === undefined ? [] : [`by ${parent}`]
  const later = waits === undefined ? [] : [`(waits: ${waits.reason})`]
  return [...advisories, severity, because, ...moves, ...from, ...later].filter((part) => part !== undefined).join(' ')
}

const ssl = 'libssl3t64 3.5.6-1 openssl'
const fixed = 'libssl3t64 3.5.7-1 openssl'
const base = image('base', ['libc6 2.41-12 glibc', ssl])
const python = image('python', ['libc6 2.41-12 glibc', ssl, 'python3.13 3.13.5-2'], { parent: 'base' })
const busybox = image('busybox', ['busybox-static 1:1.37.0-6 busybox'])
const fixes = { 'openssl 3.5.7-1': ['CVE-2026-1 high'] }

test('who holds an older version is rebuilt, what stacks on it behind it, and nobody else', () => {
  const planned = plan({ images: [python, busybox, base], events: [moved(1, [fixed])], fixes })
  assert.deepEqual(lines(planned), [
    'base: CVE-2026-1 high libssl3t64 3.5.6-1 → 3.5.7-1',
    'python after base: CVE-2026-1 high libssl3t64 3.5.6-1 → 3.5.7-1 by base',
  ])
  assert.deepEqual([planned.plan.events, planned.unchanged, planned.next], [[1], [], undefined])
})

test('when it was done the same event plans nothing, and says that nothing newer is offered', () => {
  const now = [base, python].map((one) => ({ ...one, contents: image('x', ['libc6 2.41-12 glibc', fixed]).contents }))
  const planned = plan({ images: now, events: [moved(1, [fixed])], fixes })
  assert.deepEqual(planned.plan.images, [])
  assert.deepEqual(planned.unchanged, [
    { image: 'base', reason: 'it has libssl3t64 3.5.7-1: nothing newer is offered' },
    { image: 'python', reason: 'it has libssl3t64 3.5.7-1: nothing newer is offered' },
  ])
})

test('while it is being done it is not planned again, until there is more to do', () => {
  const first = plan({ images: [base, python], events: [moved(1, [fixed])], fixes })
  const underway = new Map(first.plan.images.map((one) => [one.image, one.reasons]))
  const again = plan({
    images: [base, python],
    earlier: [moved(1, [fixed])],
    events: [moved(2, [fixed])],
    fixes,
    underway,
  })
  assert.deepEqual(again.plan.images, [])
  assert.match(again.unchanged[0]?.reason ?? '', /being rebuilt for that already/)
  const libc = moved(3, ['libc6 2.41-12+deb13u1 glibc'])
  const more = plan({ images: [base, python], earlier: [moved(1, [fixed])], events: [libc], fixes, underway })
  assert.deepEqual(
    more.plan.images.map(({ image: name }) => name),
    ['base', 'python'],
  )
})

test('what may wait is held, and goes with what may not', () => {
  const medium = { 'openssl 3.5.7-1': ['CVE-2026-1 medium'] }
  const waiting = plan({ images: [base], events: [moved(1, [fixed])], fixes: medium })
  const until = '2026-11-23T12:00:00.000Z'
  assert.deepEqual(lines(waiting), [
    `base [policy: batched: fixes that may wait for others until ${until}]: CVE-2026-1 medium libssl3t64 3.5.6-1 → 3.5.7-1`,
  ])
  assert.equal(waiting.next, until)
  const later1h = plan({ images: [base], events: [moved(1, [fixed])], fixes: medium, now: '2026-11-22T13:00:00.000Z' })
  assert.equal(planDigest(later1h.plan), planDigest(waiting.plan), 'made again it is the same plan')
  const glibc = moved(2, ['libc6 2.41-12+deb13u1 glibc'])
  const more = { ...medium, 'glibc 2.41-12+deb13u1': ['CVE-2026-2 critical'] }
  assert.deepEqual(lines(plan({ images: [base], earlier: [moved(1, [fixed])], events: [glibc], fixes: more })), [
    'base: CVE-2026-2 critical libc6 2.41-12 → 2.41-12+deb13u1; CVE-2026-1 medium libssl3t64 3.5.6-1 → 3.5.7-1',
  ])
  const later = plan({ images: [base], earlier: [moved(1, [fixed])], fixes: medium, now: until })
  assert.equal(later.plan.images[0]?.held, undefined)
  assert.deepEqual(later.plan.events, [1])
})

const severities: [string[], string, string | undefined, string][] = [
  [['CVE-2026-1 exploited'], 'trixie-security', 'critical', 'what is exploited is critical, whatever its rating'],
  [['CVE-2026-1 low', 'CVE-2026-2 high'], 'trixie-security', 'high', 'the worst counts'],
  [
    ['CVE-2026-1', 'CVE-2026-2 low'],
    'trixie-security',
    'high',
    'what nobody has rated counts as high in a security suite',
  ],
  [['CVE-2026-1'], 'trixie', 'medium', 'and as medium in a point release'],
  [[], 'trixie-security', 'high', 'a security update that names nothing counts as high'],
  [[], 'trixie', undefined, 'a newer package that closes nothing has no severity'],
]
for (const [found, suite, want, because] of severities) {
  test(`severity ${want}: ${because}`, () => {
    const planned = plan({
      images: [base],
      events: [moved(1, [fixed], { suite })],
      fixes: { 'openssl 3.5.7-1': found },
    })
    assert.equal(planned.plan.images[0]?.reasons[0]?.severity, want)
  })
}

test('of two newer versions one rebuild takes the last, and is due by when the first was seen', () => {
  const events = [
    moved(1, ['zlib1g 1.3-2 zlib'], { suite: 'trixie', seen: '2026-11-15T12:00:00.000Z' }),
    moved(2, ['zlib1g 1.3-3 zlib'], { suite: 'trixie' }),
  ]
  const planned = plan({ images: [image('app', ['zlib1g 1.3-1 zlib'])], events })
  assert.deepEqual(lines(planned), ['app: zlib1g 1.3-1 → 1.3-3'])
  assert.deepEqual([planned.plan.images[0]?.reasons[0]?.event, planned.plan.events], [2, [1, 2]])
})

test('a held parent holds of its children what they need it for, and not what they can do without it', () => {
  const policy = '{ freezes: [{ from: 2026-11-20, until: 2026-12-01, reason: audit, images: [base] }] }'
  const events = [moved(1, [fixed, 'python3.13 3.13.5-3'])]
  const perl = image('perl', ['libc6 2.41-12 glibc', ssl, 'perl-base 5.40-1 perl'], { parent: 'base' })
  const until = '2026-12-01T00:00:00.000Z'
  assert.deepEqual(lines(plan({ images: [base, python, perl], events, fixes, policy })), [
    `base [policy: frozen: audit until ${until}]: CVE-2026-1 high libssl3t64 3.5.6-1 → 3.5.7-1`,
    `perl [parent: base is held: frozen: audit until ${until}]: CVE-2026-1 high libssl3t64 3.5.6-1 → 3.5.7-1 by base (waits: base is held: frozen: audit)`,
    'python: high python3.13 3.13.5-2 → 3.13.5-3; CVE-2026-1 high libssl3t64 3.5.6-1 → 3.5.7-1 by base (waits: base is held: frozen: audit)',
  ])
})

test('a child that was left behind takes what its parent has by now', () => {
  const newer = image('base', ['libc6 2.41-12 glibc', fixed])
  const libc = 'libc6 2.41-12+deb13u1 glibc'
  assert.deepEqual(lines(plan({ images: [newer, python], earlier: [moved(1, [fixed])], fixes })), [
    'python: CVE-2026-1 high libssl3t64 3.5.6-1 → 3.5.7-1 by base',
  ])
  const policy = '{ freezes: [{ from: 2026-11-20, until: 2026-12-01, reason: audit, images: [base] }] }'
  const planned = plan({
    images: [newer, python],
    earlier: [moved(1, [fixed])],
    events: [moved(2, [libc])],
    fixes,
    policy,
  })
  assert.match(lines(planned)[1] ?? '', /^python: CVE-2026-1 .* by base; high libc6 .* by base \(waits: base is held/)
})

test('what an overlay asks for itself is its own, and needs no parent', () => {
  const own = image('own', ['libc6 2.41-12 glibc', ssl], { parent: 'base', asks: ['libssl3t64'] })
  const policy = '{ freezes: [{ from: 2026-11-20, until: 2026-12-01, reason: audit, images: [base] }] }'
  const planned = plan({ images: [base, own], events: [moved(1, [fixed])], fixes, policy })
  assert.equal(lines(planned)[1], 'own: CVE-2026-1 high libssl3t64 3.5.6-1 → 3.5.7-1')
})

test('a parent that changes only what a child does not have is no reason', () => {
  const without = image('without', ['libc6 2.41-12 glibc'], { parent: 'base' })
  const planned = plan({ images: [base, without], events: [moved(1, [fixed])], fixes })
  assert.deepEqual(
    planned.plan.images.map(({ image: name }) => name),
    ['base'],
  )
  assert.deepEqual(planned.unchanged, [{ image: 'without', reason: 'base changes nothing that it has' }])
})

test('a version that a definition pins is told, and does not move; what else is newer does', () => {
  const pinned = image('app', [ssl, 'zlib1g 1.3-1 zlib'], { asks: ['libssl3t64=3.5.6-1', 'zlib1g'] })
  assert.deepEqual(lines(plan({ images: [pinned], events: [moved(1, [fixed])], fixes })), [
    'app [pin: its definition asks for libssl3t64=3.5.6-1]: CVE-2026-1 high libssl3t64 3.5.6-1 → 3.5.7-1 (waits: its definition asks for libssl3t64=3.5.6-1)',
  ])
  const both = plan({ images: [pinned], events: [moved(1, [fixed, 'zlib1g 1.3-2 zlib'])], fixes })
  assert.match(lines(both)[0] ?? '', /^app: high zlib1g 1\.3-1 → 1\.3-2; CVE-2026-1 .*\(waits: its definition asks/)
})

test('a suite of low priority concerns only who names it, and who names a suite is concerned by no other', () => {
  const events = [moved(1, ['zlib1g 1.4-1~bpo13+1 zlib'], { suite: 'trixie-backports' })]
  const app = image('app', ['zlib1g 1.3-1 zlib'], { asks: ['zlib1g'] })
  const named = image('named', ['zlib1g 1.3-1 zlib'], { asks: ['zlib1g/trixie-backports'] })
  const policy = '{ updates: now }'
  assert.deepEqual(lines(plan({ images: [app, named], events, policy })), ['named: zlib1g 1.3-1 → 1.4-1~bpo13+1'])
  assert.deepEqual(lines(plan({ images: [named], events: [moved(1, ['zlib1g 1.3-2 zlib'])], policy })), [])
})

test('architectures are apart, and a platform whose package is built later is told', () => {
  const contents = new Map([
    [AMD64, [held(ssl)]],
    ['linux/arm64', [held(ssl, 'arm64')]],
  ])
  const planned = plan({ images: [{ ...base, contents }], events: [moved(1, [fixed])], fixes })
  assert.deepEqual(planned.plan.images[0]?.reasons[0]?.changes, [
    { package: 'libssl3t64', from: '3.5.6-1', to: '3.5.7-1', platforms: [AMD64] },
  ])
})

test('a changed definition, and what a person asks for, take children along; an end of support is told alone', () => {
  const event = { key: '1', payload: { by: 'ana', reason: 'a new owner' }, seen: noon }
  const asked: FactoryEvent = { ...event, id: 7, kind: 'asked', subject: 'base' }
  assert.deepEqual(lines(plan({ images: [base, python], events: [asked] })), [
    'base: asked for by ana: a new owner',
    'python after base: base is rebuilt: asked for by ana: a new owner by base',
  ])
  const ended: FactoryEvent = { ...event, id: 8, kind: 'support-ended', subject: 'python' }
  assert.deepEqual(plan({ images: [base, python], events: [ended] }).unchanged, [
    { image: 'python', reason: 'its support ends: a rebuild changes nothing about that' },
  ])
})

test('what was asked for and held is not forgotten', () => {
  const asked: FactoryEvent = { id: 7, kind: 'asked', subject: 'base', key: '1', payload: {}, seen: noon }
  const policy = '{ windows: [{ days: [tue], from: "02:00", until: "05:00" }] }'
  const first = plan({ images: [base], events: [asked], policy })
  assert.equal(first.next, '2026-11-24T02:00:00.000Z')
  const hold = { by: 'policy', reason: 'outside' } as const
  const waiting = new Map(first.plan.images.map(({ image: name, reasons }) => [name, { reasons, held: hold }]))
  const later = plan({ images: [base], waiting, policy, now: '2026-11-24T02:00:00.000Z' })
  assert.deepEqual([lines(later), later.plan.events], [['base: asked for'], [7]])
})

test('a fleet is in the order of work, and images in a circle or of one name are refused', () => {
  const chain = ['c', 'b', 'a'].map((name, at) => image(name, [], { parent: ['b', 'a', undefined][at] }))
  assert.deepEqual(
    new Fleet(chain).members.map((one) => one.image),
    ['a', 'b', 'c'],
  )
  const circle = [...chain.slice(0, 2), image('a', [], { parent: 'c' })]
  assert.throws(() => new Fleet(circle), { code: 'FLEET_INVALID', message: /in a circle: a → c → b → a/ })
  assert.throws(() => new Fleet([base, base]), { code: 'FLEET_INVALID', message: /two of its images are named base/ })
})

test('an event that is not as the factory writes it is an error', () => {
  const broken = { ...moved(1, [fixed]), payload: { archive: 'debian-13', packages: [{ name: 'a b' }] } }
  assert.throws(() => plan({ images: [base], events: [broken] }), {
    code: 'EVENT_INVALID',
    message: /cannot read event 1 of debian-13\/trixie-security: `suite` is missing; `to` is missing; packages\[0\]/,
  })
})

test('of an archive that is of no release no finding is known to be closed', () => {
  const never = () => assert.fail('nothing is to be looked up')
  const store = {
    debianStatements: never,
    announcements: never,
    exploited: never,
    prediction: never,
    osv: never,
    osvAbout: never,
  }
  const closes = closeByAdvisories({ ...store, parts: [] }, () => undefined)
  assert.deepEqual(closes({ archive: 'ours', source: 'shop', from: '1', to: '2' }), [])
})
