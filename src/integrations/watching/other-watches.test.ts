import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { digestOf } from '#core'
import { askedEvent, type BaseMove, noteEvents, parentReleasedEvent } from '#factory'
import { describe, formatManifest, MEDIA_TYPES, memoryBlobs, RegistryClient } from '#oci'
import { dockerRegistry, testServers } from '#testkit'
import { pollBases, type WatchedBase } from './base-watch.ts'
import { pollDates } from './date-watch.ts'

const servers = testServers()
const at = '2026-11-22T12:00:00.000Z'

test('a base that moves is told to the images that stack on it, each time, also when its tag is set back', async (t) => {
  const registry = await dockerRegistry(t)
  const store = await servers.store(t, 'embedded')
  const push = await pusher(t, registry)
  const first = await push('one')
  const on = (...images: readonly string[]) => images.map((image) => ({ image, kept: first }))
  const reference = `docker://${registry}/vendor/base:12`
  const bases: WatchedBase[] = [
    { reference, images: on('app', 'web') },
    { reference: `docker://${registry}/vendor/base@${digestOf('pinned')}`, images: on('pinned') },
  ]
  const look = (watched = bases) => pollBases({ store, bases: watched, now: () => new Date(at) })
  assert.deepEqual(await look(), { events: [], troubles: [] }, 'what is kept is what the tag names')
  const second = await push('two')
  const { events } = await look()
  assert.deepEqual(
    events.map(({ kind, subject }) => `${kind} ${subject}`),
    ['base-changed app', 'base-changed web'],
  )
  const { from, to } = events[0]!.payload as BaseMove
  assert.deepEqual([from, to], [first, second])
  assert.deepEqual((await look()).events, [])
  await push('one')
  assert.equal((await look()).events.length, 2)
  await push('two')
  assert.equal((await look()).events.length, 2)
  const late = [{ reference, images: on('app', 'late', 'web') }]
  assert.deepEqual(
    (await look(late)).events.map(({ subject }) => subject),
    ['late'],
    'who comes later is told what moved since its base was kept',
  )
  assert.deepEqual((await look(late)).events, [])
})

test('a base that is nowhere, and a registry that does not answer, are trouble and keep no other from being looked at', async (t) => {
  const registry = await dockerRegistry(t)
  const store = await servers.store(t, 'embedded')
  const push = await pusher(t, registry)
  const images = [{ image: 'app', kept: await push('one') }]
  const bases = ['vendor/base:12', 'vendor/none:1'].map((name) => ({
    reference: `docker://${registry}/${name}`,
    images,
  }))
  const dead = { reference: 'docker://127.0.0.1:1/a/b:c', images }
  const policy = { tries: 1, backOff: 1 }
  const look = () => pollBases({ store, bases: [dead, ...bases], now: () => new Date(at), registry: { policy } })
  const { troubles } = await look()
  assert.equal(troubles.length, 2)
  assert.match(troubles.join('\n'), /vendor\/none:1: there is no such image/)
  assert.match(troubles.join('\n'), /127\.0\.0\.1:1/)
  await push('two')
  assert.equal((await look()).events.length, 1)
})

/** Pushes images without layers under one tag, and gives their digests. */
async function pusher(t: TestContext, registry: string) {
  const client = new RegistryClient({ registry, repository: 'vendor/base' })
  t.after(() => client.close())
  return async (content: string): Promise<string> => {
    const config = Buffer.from(
      JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] }, author: content }),
    )
    const described = describe(MEDIA_TYPES.config, config)
    await client.ensureBlob(described, memoryBlobs([{ descriptor: described, bytes: config }]))
    const bytes = formatManifest({ mediaType: MEDIA_TYPES.manifest, config: described, layers: [] })
    const descriptor = describe(MEDIA_TYPES.manifest, bytes)
    await client.putManifest({ descriptor, bytes }, '12')
    return descriptor.digest
  }
}

const image = { image: 'python', upstreamEnd: '2026-12-31', archiveEnd: '2028-08-09' }
const days: [string, string[], string][] = [
  ['2026-01-01', [], 'a year before, nothing is said'],
  ['2026-08-01', ['end-of-life upstream 180'], 'half a year before'],
  ['2026-12-02', ['end-of-life upstream 30'], 'the last warning that is due, not those before it'],
  ['2026-12-31', ['end-of-life upstream 7'], 'the last day is one of support'],
  ['2027-01-01', ['support-ended upstream 0'], 'the day after it'],
  ['2029-01-01', ['support-ended upstream 0', 'support-ended archive 0'], 'upstream and archive are two ends'],
]
for (const [day, wanted, because] of days) {
  test(`on ${day} of an image with two ends of support: ${because}`, async (t) => {
    const store = await servers.store(t, 'embedded')
    const now = new Date(`${day}T23:59:00.000Z`)
    const said = (await pollDates(store, [image], now)).map(({ kind, payload }) => {
      const { which, days: left } = payload as { which: string; days: number }
      return `${kind} ${which} ${left}`
    })
    assert.deepEqual(said, wanted)
    assert.deepEqual(await pollDates(store, [image], now), [], 'once')
    assert.equal((await store.outbox.latest('python', 10)).length, wanted.length)
  })
}

test('what a person asks for, and a release of a parent, are events once', async (t) => {
  const store = await servers.store(t, 'embedded')
  const asked = askedEvent({ image: 'python', by: 'ada', reason: 'new CA', request: 'one' }, at)
  const released = parentReleasedEvent({ id: 1, image: 'base', variant: 'runtime', digest: digestOf('x') }, at)
  const note = () => store.transaction((logs) => noteEvents(logs, [asked, released]))
  assert.deepEqual(
    (await note()).map(({ kind, subject }) => `${kind} ${subject}`),
    ['asked python', 'parent-released base'],
  )
  assert.deepEqual(await note(), [])
  assert.equal((await store.ledger.tip()).sequence, 2)
})
