import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import type { FactoryEvent, FactoryStore } from '#factory'
import { requestsFor, type TestArchive, testArchive, testMirror, testServers } from '#testkit'
import { type ArchivePoll, type ArchiveWatchOptions, pollArchive, standingAlarms } from './archive-watch.ts'

const servers = testServers()
const HOUR = 3_600_000
const ago = (hours: number) => new Date(Date.now() - hours * HOUR)

const libssl = { name: 'libssl3t64', version: '3.5.1-1', fields: { Source: 'openssl (3.5.1-1)' } }
const hello = { name: 'hello', version: '1.0' }

interface Watching {
  readonly archive: TestArchive
  readonly store: FactoryStore
  poll(changes?: Partial<ArchiveWatchOptions>): Promise<ArchivePoll>
}

async function watching(t: TestContext, suiteLines: readonly string[] = []): Promise<Watching> {
  const archive = await testArchive(t, { debs: [hello, libssl], suiteLines })
  const store = await servers.store(t, 'embedded')
  const { archives: _, architecture, ...place } = archive.options
  const usual = { ...place, archive: archive.name, architectures: [architecture], store, now: () => new Date() }
  return { archive, store, poll: (changes = {}) => pollArchive({ ...usual, ...changes }) }
}

const kinds = ({ events }: ArchivePoll) => events.map(({ kind }) => kind)
const payloadOf = (event: FactoryEvent | undefined) => event?.payload as Record<string, unknown>

test('what comes into an empty suite is told, and what leaves an archive with it', async (t) => {
  const archive = await testArchive(t, { debs: [] })
  const store = await servers.store(t, 'embedded')
  const { archives: _, architecture, ...place } = archive.options
  const poll = () =>
    pollArchive({ ...place, archive: archive.name, architectures: [architecture], store, now: () => new Date() })
  await poll()
  await archive.publish(hello)
  const told = { name: 'hello', architectures: ['amd64'], source: { name: 'hello', version: '1.0' } }
  assert.deepEqual(payloadOf((await poll()).events[0])['packages'], [{ ...told, to: '1.0' }])
  await archive.republish({ packages: () => '', date: ago(0.5) })
  assert.deepEqual(payloadOf((await poll()).events[0])['packages'], [{ ...told, from: '1.0' }])
})

test('two states of an archive give the packages that changed, and nothing else', async (t) => {
  const { archive, store, poll } = await watching(t)
  const [first] = (await poll()).events
  assert.equal(first?.kind, 'archive-changed')
  assert.equal(first.subject, 'test-1/trixie')
  assert.equal(payloadOf(first)['from'], undefined, 'nothing was recorded before')
  assert.deepEqual(payloadOf(first)['packages'], [])

  await archive.publish(
    { name: 'libssl3t64', version: '3.5.1-2', fields: { Source: 'openssl (3.5.1-2)' } },
    { name: 'new' },
  )
  const { events } = await poll()
  assert.equal(events.length, 1)
  assert.deepEqual(payloadOf(events[0])['packages'], [
    {
      name: 'libssl3t64',
      architectures: ['amd64'],
      from: '3.5.1-1',
      to: '3.5.1-2',
      source: { name: 'openssl', version: '3.5.1-2' },
    },
    { name: 'new', architectures: ['amd64'], to: '1.0', source: { name: 'new', version: '1.0' } },
  ])
  assert.deepEqual(payloadOf(events[0])['from'], payloadOf(first)['to'])
  const notes = await store.ledger.read(0, 10)
  assert.deepEqual(
    notes.map(({ kind, subject }) => `${kind} ${subject}`),
    ['event test-1/trixie', 'event test-1/trixie'],
  )
})

test('a package that has gone is told, and a state without another package is none', async (t) => {
  const { archive, poll } = await watching(t)
  await poll()
  await archive.republish({ date: ago(0.5) })
  assert.deepEqual(kinds(await poll()), [], 'a newer Date with the same packages')
  await archive.republish({
    date: ago(0.25),
    packages: (text) => text.replace(/Package: hello\n[\s\S]*?\n\n/, ''),
  })
  const [gone] = payloadOf((await poll()).events[0])['packages'] as { name: string; from: string; to?: string }[]
  assert.deepEqual([gone?.name, gone?.from, gone?.to], ['hello', '1.0', undefined])
})

test('a suite that has not changed costs one conditional request', async (t) => {
  const { archive, poll } = await watching(t)
  await poll()
  const before = archive.mirror.requests.length
  assert.deepEqual(await poll(), { events: [], troubles: [] })
  const asked = archive.mirror.requests.slice(before)
  assert.equal(asked.length, 1)
  assert.ok(asked[0]?.headers['if-none-match'])
})

test('what changed while nobody looked is told against what was recorded, also with an empty cache', async (t) => {
  const { archive, poll } = await watching(t)
  await poll()
  await archive.publish({ name: 'hello', version: '2.0' })
  await archive.publish({ name: 'hello', version: '3.0' })
  rmSync(archive.cache, { recursive: true })
  const [changed] = payloadOf((await poll()).events[0])['packages'] as { from: string; to: string }[]
  assert.deepEqual([changed?.from, changed?.to], ['1.0', '3.0'])
})

test('a process that ends between its look and its record has lost nothing', async (t) => {
  const { archive, store, poll } = await watching(t)
  await poll()
  await archive.publish({ name: 'hello', version: '2.0' })
  const crashing: FactoryStore = { ...store, transaction: () => Promise.reject(new Error('killed')) }
  await assert.rejects(poll({ store: crashing }), /killed/)
  assert.deepEqual(kinds(await poll()), ['archive-changed'])
  assert.deepEqual(kinds(await poll()), [])
})

test('of many schedulers that see the same change, one records it', async (t) => {
  const { archive, store, poll } = await watching(t)
  await poll()
  await archive.publish({ name: 'hello', version: '2.0' })
  const polls = await Promise.all(Array.from({ length: 4 }, () => poll()))
  assert.deepEqual(polls.flatMap(kinds), ['archive-changed'])
  assert.equal((await store.events.open(10)).length, 2)
  assert.equal((await store.ledger.tip()).sequence, 2)
})

test('case 1: an archive that goes back raises one alarm, and when it comes forward again is told against the last state that was believed', async (t) => {
  const { archive, store, poll } = await watching(t)
  await poll()
  await archive.republish({ date: ago(48) })
  rmSync(archive.cache, { recursive: true })
  const { events } = await poll()
  assert.deepEqual(kinds({ events, troubles: [] }), ['archive-alarm'])
  assert.equal(payloadOf(events[0])['alarm'], 'rolled-back')
  assert.match(String(payloadOf(events[0])['reason']), /behind .*which was seen before/)
  assert.deepEqual([...(await standingAlarms(store)).keys()], ['test-1/trixie'])
  assert.deepEqual(kinds(await poll()), [], 'once an episode')
  const [message] = await store.outbox.latest(undefined, 1)
  assert.equal(message?.kind, 'archive')
  assert.match(message.title, /^test-1\/trixie must not be built from: /)

  await archive.publish({ name: 'hello', version: '2.0' })
  assert.deepEqual(kinds(await poll()), ['archive-recovered', 'archive-changed'])
  assert.equal((await standingAlarms(store)).size, 0)
  await archive.republish({ date: ago(48) })
  assert.deepEqual(kinds(await poll()), ['archive-alarm'], 'another time is another event')
})

test('of two mirrors, one that is behind raises no alarm', async (t) => {
  const { archive, poll } = await watching(t)
  await poll()
  const behind = await testMirror(t, archive.folder)
  behind.fault = ({ path }) => (path.endsWith('InRelease') ? { kind: 'status', status: 404 } : undefined)
  await archive.publish({ name: 'hello', version: '2.0' })
  const mirrors = { [archive.name]: [behind.url, archive.mirror.url] }
  assert.deepEqual(kinds(await poll({ mirrors })), ['archive-changed'])
})

test('a stale suite raises an alarm and is not taken until it is fresh again', async (t) => {
  const { archive, poll } = await watching(t, ['loud-after-hours: 72'])
  await poll()
  const later = { now: () => new Date(Date.now() + 100 * HOUR) }
  const alarm = (await poll(later)).events[0]
  assert.deepEqual([alarm?.kind, payloadOf(alarm)['alarm']], ['archive-alarm', 'stale'])
  await archive.publish({ name: 'hello', version: '2.0' })
  assert.deepEqual(kinds(await poll(later)), [], 'a newer state that is stale as well')
  assert.deepEqual(kinds(await poll()), ['archive-recovered', 'archive-changed'])
})

test('a suite that cannot be reached is trouble, and an alarm when what is known of it is stale', async (t) => {
  const { archive, poll } = await watching(t, ['loud-after-hours: 72'])
  await poll()
  archive.mirror.fault = () => ({ kind: 'status', status: 503 })
  const { events, troubles } = await poll()
  assert.deepEqual([events, troubles.map(({ code }) => code)], [[], ['FETCH_FAILED']])
  const alarm = (await poll({ now: () => new Date(Date.now() + 100 * HOUR) })).events[0]
  assert.match(String(payloadOf(alarm)['reason']), /and it cannot be reached$/)
})

test('an archive that another key signs raises an alarm', async (t) => {
  const { archive, poll } = await watching(t)
  await poll()
  const other = await testArchive(t)
  await archive.republish({ signers: [other.key] })
  assert.equal(payloadOf((await poll()).events[0])['alarm'], 'untrusted')
})

test('an architecture that is new to the factory is no change of its packages', async (t) => {
  const archive = await testArchive(t, {
    debs: [hello, { ...hello, architecture: 'arm64' }],
    architectures: ['amd64', 'arm64'],
  })
  const store = await servers.store(t, 'embedded')
  const { archives: _, architecture: __, ...place } = archive.options
  const poll = (architectures: string[]) =>
    pollArchive({ ...place, archive: archive.name, architectures, store, now: () => new Date() })
  await poll(['amd64'])
  assert.deepEqual(kinds(await poll(['arm64', 'amd64'])), [])
  await archive.publish({ ...hello, version: '2.0' }, { ...hello, version: '2.0', architecture: 'arm64' })
  const [changed] = payloadOf((await poll(['amd64', 'arm64'])).events[0])['packages'] as { architectures: string[] }[]
  assert.deepEqual(changed?.architectures, ['amd64', 'arm64'])
  assert.equal(requestsFor(archive.mirror, 'InRelease'), 3)
})
