import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { digestOf } from '#core'
import type { OpenStore } from '#store'
import { testServers } from '#testkit'
import { eventKey, type NewEvent } from '../event.ts'
import type { HeldPackage, NewRelease } from '../release.ts'
import { parseFactorySettings } from '../settings/factory-settings.ts'
import { askedEvent } from '../watching/asked.ts'
import type { ArchiveChange } from '../watching/suite-change.ts'
import { describeReason } from './describe-reason.ts'
import type { FleetImage } from './fleet.ts'
import { MOST_OPEN_RUNS, Planner, type PlannerPorts, type PlannerStep } from './planner.ts'

const servers = testServers()
const start = Date.parse('2026-11-22T12:00:00.000Z')
const minute = (number: number) => new Date(start + number * 60_000).toISOString()

function held(text: string): HeldPackage {
  const [name = '', version = ''] = text.split(' ')
  return { archive: 'debian-13', name, version, architecture: 'amd64', source: { name, version } }
}

function image(name: string, packages: readonly string[], parent?: string): FleetImage {
  const contents = new Map([['linux/amd64', packages.map(held)]])
  return { image: name, parent, requests: [], contents, released: undefined }
}

function moved(packages: readonly string[], at: number, first = false): NewEvent {
  const digest = digestOf(packages.join())
  const change: ArchiveChange = {
    ...{ archive: 'debian-13', suite: 'trixie-security', to: { date: minute(at - 5), digest } },
    ...(first ? {} : { from: { date: minute(at - 60), digest: digestOf('before') } }),
    packages: first
      ? []
      : packages
          .map(held)
          .map(({ name, version, source }) => ({ name, architectures: ['amd64'], to: version, source })),
  }
  const subject = 'debian-13/trixie-security'
  return {
    kind: 'archive-changed',
    subject,
    key: eventKey('archive-changed', subject, digest),
    payload: change,
    seen: minute(at),
  }
}

function released(name: string, packages: readonly string[], at: number): NewRelease {
  const digest = digestOf(`${name} ${packages}`)
  const manifests = [{ platform: 'linux/amd64', digest, packages: packages.map(held) }]
  return {
    image: name,
    variant: 'runtime',
    digest,
    lock: digest,
    tags: [],
    evidence: {},
    released: minute(at),
    manifests,
  }
}

/** A factory of two images, and planners that may begin at any time. */
async function factory(t: TestContext, policy = '{}') {
  const store: OpenStore = await servers.store(t, 'embedded')
  const clock = { at: 0 }
  const images = [image('base', ['zlib 1']), image('shop', ['zlib 1', 'pq 1'], 'base')]
  const looked: string[][] = []
  const trouble: { error: Error | undefined } = { error: undefined }
  const ports: PlannerPorts = {
    store,
    definitions: async () => images,
    standing: () => ({ isSecurity: true, priority: 500 }),
    closes: ({ source, to }) => [{ advisory: `CVE-${source}-${to}`, severity: 'high', isExploited: false }],
    disclosed: () => minute(-600),
    look: async (_fleet, archives) => {
      if (trouble.error !== undefined) throw trouble.error
      looked.push([...archives])
      const { name, version, source } = held('pq 5')
      const packages = [{ name, architectures: ['amd64'], to: version, source }]
      const to = { date: minute(0), digest: digestOf('today') }
      return [{ archive: 'debian-13', suite: 'trixie-security', to, packages }]
    },
    policy: parseFactorySettings(`policy: ${policy}`, 'factory.yaml').policy,
    now: () => minute(clock.at),
  }
  const planner = () => new Planner(ports)
  /** Ends a run as the engine would, with what was released. */
  const finish = async (run: number | undefined, ...releases: readonly NewRelease[]) => {
    assert.ok(run !== undefined)
    await store.releases.record(releases)
    const ends = releases.map(
      ({ image: name }) => ({ image: name, state: 'done', reason: 'published', at: minute(clock.at) }) as const,
    )
    await store.work.end(run, ends)
    await store.work.close(run, minute(clock.at))
  }
  return { store, clock, planner, finish, looked, trouble }
}

const names = (images: readonly { readonly image: string }[]) => images.map((one) => one.image)

test('a plan is begun once, and what is under way or done is not planned again', async (t) => {
  const { store, clock, planner, finish } = await factory(t)
  const one = planner()
  await store.events.record([moved(['zlib 2'], 1)])
  clock.at = 1
  const [first, second] = [await one.plan(), await planner().plan()]
  assert.deepEqual(names(first.planned.plan.images), ['base', 'shop'])
  assert.equal(second.plan, undefined, 'another scheduler finds it under way')
  assert.equal((await one.plan()).plan, undefined)
  const [mark] = (await store.clocks.ofImage('shop')).filter((each) => each.mark === 'planned')
  assert.deepEqual([mark?.finding, mark?.at], ['CVE-zlib-2 zlib', minute(1)])
  clock.at = 2
  await finish(first.run, released('base', ['zlib 2'], 2), released('shop', ['zlib 2', 'pq 1'], 2))
  await store.events.record([moved(['zlib 2'], 3)])
  assert.equal((await one.plan()).plan, undefined, 'the same event again')
  assert.equal(one.remembered, 0)
})

test('what failed waits, longer each time, and is then another run; who asks, and what is newer, does not wait', async (t) => {
  const { store, clock, planner } = await factory(t)
  const one = planner()
  const fail = async (run: number | undefined) => {
    assert.ok(run !== undefined)
    const ends = [
      { image: 'base', state: 'failed', reason: 'test: it does not start', at: minute(clock.at) },
      { image: 'shop', state: 'failed', reason: 'it is built on base: test: it does not start', at: minute(clock.at) },
    ] as const
    await store.work.end(run, ends)
    await store.work.close(run, minute(clock.at))
  }
  const held = ({ planned }: PlannerStep) => planned.plan.images.map(({ image: name, held: by }) => [name, by?.by])
  await store.events.record([moved(['zlib 2'], 1)])
  clock.at = 1
  const decided = await store.fleet.decided()
  const first = await one.plan()
  await fail(first.run)
  assert.notEqual(await store.fleet.decided(), decided, 'a loop that waits is told')

  const second = await one.plan()
  assert.deepEqual(held(second), [
    ['base', 'failure'],
    ['shop', 'parent'],
  ])
  assert.deepEqual([second.run, second.planned.next], [undefined, minute(31)])
  assert.equal(second.planned.plan.images[0]?.held?.reason, `run ${first.run} failed: test: it does not start`)
  const told = await store.outbox.latest('base', 10)
  assert.ok(!told.some(({ kind }) => kind === 'held'), 'that it failed was told by its run')
  clock.at = 30
  assert.equal((await planner().plan()).plan, undefined, 'nor does one that begins anew')

  clock.at = 31
  const third = await one.plan()
  assert.deepEqual(names(third.planned.plan.images), ['base', 'shop'])
  assert.ok(third.run !== undefined && third.run !== first.run)
  const [{ reasons } = { reasons: [] }] = third.planned.plan.images
  assert.deepEqual(reasons[0]?.again, { run: first.run, failures: 1 })
  assert.match(describeReason(reasons[0]!), /^zlib 1 → 2 .*, tried once$/)
  await fail(third.run)
  assert.equal((await one.plan()).planned.next, minute(31 + 60))

  await store.events.record([askedEvent({ image: 'base', by: 'ana', request: 'one' }, minute(clock.at))])
  const asked = await one.plan()
  assert.ok(asked.run !== undefined, 'who asks does not wait')
  await fail(asked.run)
  assert.deepEqual(held(await one.plan())[0], ['base', 'failure'])
  await store.events.record([moved(['zlib 3'], clock.at)])
  assert.ok((await one.plan()).run !== undefined, 'nor does what is newer')
})

test('what was asked for and failed is asked for until it is done, and never where the policy says so', async (t) => {
  for (const [policy, until] of [
    ['{}', minute(30)],
    ['{ retry: never }', undefined],
  ] as const) {
    const { store, clock, planner, finish } = await factory(t, policy)
    const one = planner()
    await store.events.record([askedEvent({ image: 'shop', by: 'ana', request: 'one' }, minute(0))])
    const first = await one.plan()
    assert.deepEqual(names(first.planned.plan.images), ['shop'])
    await store.work.end(first.run ?? 0, [{ image: 'shop', state: 'failed', reason: 'down', at: minute(0) }])
    await store.work.close(first.run ?? 0, minute(0))
    const second = await one.plan()
    assert.deepEqual(
      second.planned.plan.images.map(({ held }) => [held?.by, held?.until]),
      [['failure', until]],
    )
    clock.at = 30
    const third = await one.plan()
    if (until === undefined) {
      assert.equal(third.run, undefined)
      continue
    }
    assert.deepEqual(names(third.planned.plan.images), ['shop'])
    assert.equal(third.planned.plan.images[0]?.reasons[0]?.because, 'asked for by ana')
    await finish(third.run, released('shop', ['zlib 1', 'pq 1'], 30))
    assert.deepEqual((await one.plan()).planned.plan.images, [])
  }
})

test('two schedulers at once make one plan and one run', async (t) => {
  const { store, clock, planner } = await factory(t)
  await store.events.record([moved(['zlib 2'], 1)])
  clock.at = 1
  const steps = await Promise.all([planner().plan(), planner().plan(), planner().plan()])
  const plans = new Set(steps.flatMap(({ plan }) => plan ?? []))
  assert.equal(plans.size, 1)
  assert.equal((await store.work.open()).length, 1)
  assert.equal((await store.ledger.read(0, 10)).length, 1)
})

test('a planner that begins anew knows what the old one knew, also of what was rolled back', async (t) => {
  const { store, clock, planner, finish } = await factory(t)
  const old = planner()
  for (const [at, packages] of [['zlib 2'], ['pq 2', 'zlib 3'], ['pq 3']].entries()) {
    await store.events.record([moved(packages, at)])
    clock.at = at
    const { run, planned } = await old.plan()
    const shop = ['zlib 3', 'pq 3'].slice(0, 2)
    if (planned.plan.images.length > 0) await finish(run, released('base', ['zlib 3'], at), released('shop', shop, at))
  }
  assert.equal(old.remembered, 0)
  clock.at = 10
  await store.releases.record([released('shop', ['zlib 3', 'pq 1'], 10)])
  const [kept, anew] = [await old.input(), await planner().input()]
  assert.deepEqual(kept.offers.newerThan(held('pq 1')), anew.offers.newerThan(held('pq 1')))
  assert.deepEqual(
    kept.offers.newerThan(held('pq 1')).map(({ version }) => version),
    ['2', '3'],
  )
  const { planned } = await old.plan()
  assert.deepEqual(names(planned.plan.images), ['shop'])
})

test('events that come faster than runs end do not open ever more runs: they wait, and are one plan', async (t) => {
  const { store, clock, planner, finish } = await factory(t)
  const one = planner()
  const runs: number[] = []
  // As the loop does it, while nobody works.
  for (let version = 2; version < 50; version++) {
    await store.events.record([moved([`zlib ${version}`], version)])
    clock.at = version
    if (await one.isBehind()) continue
    const { run } = await one.plan()
    if (run !== undefined) runs.push(run)
  }
  assert.equal(runs.length, MOST_OPEN_RUNS)
  assert.equal((await store.work.open()).length, MOST_OPEN_RUNS)
  assert.equal((await store.events.open(100)).length, 48 - MOST_OPEN_RUNS, 'none is lost')
  const [first, ...others] = runs
  await finish(first, released('base', ['zlib 2'], 50), released('shop', ['zlib 2', 'pq 1'], 50))
  assert.equal(await one.isBehind(), false)
  const { planned, run } = await one.plan()
  assert.deepEqual(
    planned.plan.images.map(({ image, reasons }) => [image, reasons.map(({ changes }) => changes.at(-1)?.to)]),
    [
      ['base', ['49']],
      ['shop', ['49']],
    ],
  )
  assert.equal((await store.events.open(100)).length, 0)
  assert.equal(others.length + (run === undefined ? 0 : 1), (await store.work.open()).length)
})

test('what is held is told once, and let go when its time has come', async (t) => {
  const { store, clock, planner } = await factory(t, '{ security: { high: 1h } }')
  const one = planner()
  await store.events.record([moved(['pq 2'], 0)])
  const first = await one.plan()
  assert.deepEqual([first.run, first.planned.next], [undefined, minute(60)])
  clock.at = 1
  await store.events.record([moved(['other 2'], 1)])
  const second = await one.plan()
  const recorded = await store.plans.read(second.plan ?? 0)
  assert.deepEqual(
    [recorded?.images, recorded?.events],
    [[], [2]],
    'the other event is answered, and shop is not told again',
  )
  assert.equal((await store.outbox.latest('shop', 10)).length, 1)
  clock.at = 60
  const third = await one.plan()
  assert.ok(third.run !== undefined)
  assert.deepEqual(
    (await store.plans.read(third.plan ?? 0))?.images.map(({ image: name, held: keeps }) => [name, keeps]),
    [['shop', undefined]],
  )
})

test('images that are older than the first look at a suite are held against what the archive has', async (t) => {
  const { store, clock, planner, looked, trouble } = await factory(t)
  await store.events.record([moved(['first'], 0, true)])
  clock.at = 1
  const one = planner()
  trouble.error = new Error('the mirror is down')
  await assert.rejects(one.plan(), /the mirror is down/)
  trouble.error = undefined
  const { planned } = await one.plan()
  assert.deepEqual(names(planned.plan.images), ['shop'])
  assert.deepEqual(planned.plan.images[0]?.reasons[0]?.changes, [{ package: 'pq', from: '1', to: '5' }])
  await one.plan()
  assert.deepEqual(looked, [['debian-13']], 'once')
})

test('an alarm holds everything of its archive until it is over', async (t) => {
  const { store, clock, planner } = await factory(t)
  const alarm = (kind: 'archive-alarm' | 'archive-recovered', at: number): NewEvent => {
    const subject = 'debian-13/trixie-security'
    return { kind, subject, key: eventKey(kind, subject, at), payload: { reason: 'it went back' }, seen: minute(at) }
  }
  await store.events.record([moved(['zlib 2'], 0), alarm('archive-alarm', 1)])
  clock.at = 1
  const one = planner()
  const stopped = await one.plan()
  assert.equal(stopped.run, undefined)
  assert.deepEqual(stopped.planned.plan.images[0]?.held, {
    by: 'archive',
    reason: 'debian-13 must not be built from: debian-13/trixie-security: it went back',
  })
  await store.events.record([alarm('archive-recovered', 2)])
  clock.at = 2
  assert.ok((await one.plan()).run !== undefined)
})

test('an event whose number is lower and that comes later is not missed', async (t) => {
  const { store, clock, planner, finish } = await factory(t)
  const one = planner()
  const late = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  // The transaction that got its number first ends last.
  const slow = store.transaction(async (logs) => {
    await logs.events.record([moved(['pq 2'], 0)])
    begun.resolve()
    await late.promise
  })
  await begun.promise
  await store.events.record([moved(['zlib 2'], 1)])
  clock.at = 1
  const first = await one.plan()
  assert.deepEqual([names(first.planned.plan.images), first.planned.plan.events], [['base', 'shop'], [2]])
  await finish(first.run, released('base', ['zlib 2'], 1), released('shop', ['zlib 2', 'pq 1'], 1))
  late.resolve()
  await slow
  // Another planner answers it; the first one has to know of it all the same.
  const second = await planner().plan()
  assert.deepEqual([names(second.planned.plan.images), second.planned.plan.events], [['shop'], [1]])
  await finish(second.run)
  const third = await one.plan()
  assert.deepEqual(names(third.planned.plan.images), ['shop'], 'its run gave nothing, so it is still to be done')
})
