import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { contentsDigest, eventKey, type HeldPackage, type NewRelease, type Plan, type Reason } from '#factory'
import { TEST_SERVERS, testServers } from '#testkit'

const servers = testServers()
const at = '2026-11-21T12:00:00.123Z'
const later = '2026-11-21T13:00:00.000Z'

function held(name: string, version: string, architecture = 'amd64'): HeldPackage {
  return { archive: 'debian-13', name, version, architecture, source: { name, version } }
}

function release(image: string, packages: readonly HeldPackage[], more: Partial<NewRelease> = {}): NewRelease {
  const digest = digestOf(`${image} ${JSON.stringify(packages)}`)
  const manifests = [{ platform: 'linux/amd64', digest, packages }]
  return {
    ...{ image, variant: 'runtime', digest, lock: digest, tags: [], evidence: {}, released: at, manifests },
    ...more,
  }
}

const reason: Reason = {
  event: 1,
  source: 'zlib',
  advisories: [],
  changes: [{ package: 'zlib1g', from: '1', to: '2' }],
}

for (const server of TEST_SERVERS) {
  test(`what images hold at present is that of their last release, variant by variant, ${server}`, async (t) => {
    const { releases, fleet } = await servers.store(t, server)
    const [old, now] = [[held('zlib1g', '1')], [held('zlib1g', '2'), held('libc6', '2.41')]]
    const base = { platform: 'linux/amd64', digest: digestOf('dev'), packages: [...now, held('bash', '5')] }
    await releases.record([release('app', old)])
    await releases.record([release('app', now, { released: later })])
    await releases.record([release('app', [], { variant: 'dev', manifests: [{ ...base, base: contentsDigest(now) }] })])
    const heads = await fleet.heads()
    assert.deepEqual(
      heads.map(({ image, variant, platform, released }) => [image, variant, platform, released]),
      [
        ['app', 'dev', 'linux/amd64', at],
        ['app', 'runtime', 'linux/amd64', later],
      ],
    )
    const contents = await fleet.contents([...heads.map((head) => head.contents), digestOf('nothing')])
    assert.equal(contents.size, 2)
    assert.deepEqual(new Set(contents.get(contentsDigest(now))), new Set(now))
    assert.deepEqual(new Set(contents.get(contentsDigest(base.packages))), new Set(base.packages))
  })

  test(`what waits is what the last plan with a word on an image holds, ${server}`, async (t) => {
    const { plans, events, fleet, decisions } = await servers.store(t, server)
    const keys = ['one', 'two'].map((state) => eventKey('asked', 'app', state))
    const [first, second] = await events.record(
      keys.map((key) => ({ kind: 'asked', subject: 'app', key, payload: {}, seen: at })),
    )
    const image = {
      image: 'app',
      after: [],
      reasons: [reason],
      held: { by: 'approval', reason: 'the team has to' },
    } as const
    const plan: Plan = {
      events: [first?.id ?? 0],
      images: [image, { ...image, image: 'shop', held: undefined }],
      made: at,
    }
    const number = await plans.record(plan)
    assert.deepEqual(
      await fleet.waiting(['app', 'shop', 'none']),
      new Map([['app', { reasons: [reason], held: image.held }]]),
    )
    const before = await fleet.decided()
    const word = { plan: number, image: 'app', by: 'bo', given: at }
    await decisions.approve({ ...word, approved: false, reason: 'not now' })
    const refused = await fleet.decided()
    await decisions.approve({ ...word, approved: true, reason: 'now', given: later })
    const hold = await decisions.hold({ image: 'app', reason: 'audit', by: 'ana', placed: at, until: undefined })
    const held = await fleet.decided()
    await decisions.endHold(hold, 'ana', later)
    assert.equal(new Set([before, refused, held, await fleet.decided()]).size, 4, 'each word is seen')
    assert.equal(await fleet.decided(), await fleet.decided())
    const approval = { approved: true, reason: 'now', by: 'bo', reasons: [reason] }
    assert.deepEqual(await fleet.approvals(['app', 'shop']), new Map([['app', approval]]))
    await plans.record({ ...plan, events: [second?.id ?? 0], images: [{ ...image, held: undefined }] })
    assert.deepEqual(await fleet.waiting(['app']), new Map())
  })

  test(`events are read by kind, in the order of recording, ${server}`, async (t) => {
    const { events } = await servers.store(t, server)
    const kinds = ['asked', 'archive-alarm', 'asked', 'archive-changed'] as const
    const all = kinds.map((kind, number) => {
      return { kind, subject: 'x', key: eventKey(kind, 'x', number), payload: {}, seen: at }
    })
    const recorded = await events.record(all)
    const found = await events.ofKinds(['asked', 'archive-changed'], recorded[0]?.id ?? 0, 10)
    assert.deepEqual(found, [recorded[2], recorded[3]])
    assert.equal((await events.ofKinds(['asked'], 0, 1)).length, 1)
  })

  test(`the ways of findings are those that are open, or were under way since, page by page, ${server}`, async (t) => {
    const { clocks } = await servers.store(t, server)
    const mark = (finding: string, image: string, name: 'disclosed' | 'seen' | 'published', time: string) => {
      return { finding, image, mark: name, at: time }
    }
    await clocks.record([
      { ...mark('CVE-1 zlib', 'app', 'disclosed', at), severity: 'low' },
      { ...mark('CVE-1 zlib', 'app', 'seen', later), severity: 'high' },
      mark('CVE-1 zlib', 'shop', 'published', at),
      mark('CVE-2 zlib', 'shop', 'published', later),
    ])
    const ways = await clocks.ways({ since: later, limit: 10 })
    assert.deepEqual(ways, [
      { image: 'app', finding: 'CVE-1 zlib', severity: 'high', marks: { disclosed: at, seen: later } },
      { image: 'shop', finding: 'CVE-2 zlib', severity: undefined, marks: { published: later } },
    ])
    assert.deepEqual(await clocks.ways({ since: later, limit: 10, after: ways[0] }), ways.slice(1))
    assert.deepEqual(await clocks.ways({ since: at, limit: 10, image: 'shop' }).then((all) => all.length), 2)
  })
}
