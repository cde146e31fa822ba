import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { AdvisoryKind, PartSource } from '#advisory'
import type { AdvisoryChange, FactoryEvent, FleetSource } from '#factory'
import { testMirror, testServers } from '#testkit'
import { pollAdvisories } from './advisory-watch.ts'

const servers = testServers()
const openssl: FleetSource = { release: 'trixie', source: 'openssl' }

const release = (more: object) => ({ releases: { trixie: { status: 'open', urgency: 'not yet assigned', ...more } } })
const fixed = (version: string) => release({ status: 'resolved', fixed_version: version })

async function watching(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'cm-advisories-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const served = join(folder, 'served')
  const mirror = await testMirror(t, folder)
  const cache = join(folder, 'cache')
  const store = await servers.store(t, 'embedded')
  const source = (kind: AdvisoryKind): PartSource => ({ kind, files: [{ name: kind, place: `${mirror.url}/${kind}` }] })
  let kinds: readonly AdvisoryKind[] = ['tracker']
  const publish = (kind: AdvisoryKind, content: object | string) => {
    writeFileSync(join(folder, kind), typeof content === 'string' ? content : JSON.stringify(content))
    kinds = [...new Set([...kinds, kind])]
  }
  const look = (fleet: readonly FleetSource[] = [openssl]) => {
    const update = { patience: { attempts: 1, backOff: 1, deadline: 2000 } }
    return pollAdvisories({ store, cache, sources: kinds.map(source), fleet, now: () => new Date(), update })
  }
  return { served, mirror, cache, store, publish, look }
}

const sourcesOf = (event: FactoryEvent | undefined) => (event!.payload as AdvisoryChange).sources

test('what is said else of a package that images hold is an event by its issue; of another package it is none', async (t) => {
  const { publish, look, store } = await watching(t)
  publish('tracker', {
    openssl: { 'CVE-2026-1000': release({}), 'CVE-2026-2000': release({}) },
    curl: { 'CVE-2026-3000': release({}) },
  })
  assert.deepEqual(await look(), { events: [], troubles: [] }, 'the first look has nothing to compare with')
  assert.deepEqual((await look()).events, [])
  publish('tracker', {
    openssl: {
      'CVE-2026-1000': fixed('3.5.1-2'),
      'CVE-2026-2000': release({}),
      'CVE-2026-4000': release({ urgency: 'high' }),
    },
    curl: { 'CVE-2026-3000': fixed('8.14.1-3') },
  })
  const { events } = await look()
  assert.deepEqual(
    events.map(({ kind, subject }) => `${kind} ${subject}`),
    ['advisory-changed CVE-2026-1000', 'advisory-changed CVE-2026-4000'],
  )
  const [change] = sourcesOf(events[0])
  assert.deepEqual([change?.from?.status, change?.to?.status, change?.to?.fix], ['open', 'fixed', '3.5.1-2'])
  const [fresh] = sourcesOf(events[1])
  assert.deepEqual([fresh?.from, fresh?.to?.urgency], [undefined, 'high'])
  assert.deepEqual((await look()).events, [])
  assert.equal((await store.ledger.tip()).sequence, 2)
})

test('what is said of a package that is new in the fleet is no change of it, and from then on it is watched', async (t) => {
  const { publish, look } = await watching(t)
  const curl = { release: 'trixie', source: 'curl' }
  publish('tracker', { openssl: {}, curl: { 'CVE-2026-3000': release({}) } })
  await look()
  assert.deepEqual((await look([openssl, curl])).events, [])
  publish('tracker', { openssl: {}, curl: { 'CVE-2026-3000': fixed('8.14.1-3') } })
  assert.deepEqual(
    (await look([openssl, curl])).events.map(({ subject }) => subject),
    ['CVE-2026-3000'],
  )
})

test('a statement that is taken back, and made again, is a change each time', async (t) => {
  const { publish, look } = await watching(t)
  const states = [release({}), fixed('3.5.1-2'), release({}), fixed('3.5.1-2')]
  const seen: number[] = []
  for (const state of states) {
    publish('tracker', { openssl: { 'CVE-2026-1000': state } })
    seen.push((await look()).events.length)
  }
  assert.deepEqual(seen, [0, 1, 1, 1])
})

test('that an issue is exploited is a change, but a kind of data that is new says nothing that changed', async (t) => {
  const { publish, look } = await watching(t)
  const entry = (cveID: string) => ({
    cveID,
    vulnerabilityName: 'x',
    dateAdded: '2026-11-01',
    knownRansomwareCampaignUse: 'Unknown',
    vendorProject: 'x',
    product: 'x',
    shortDescription: 'x',
    requiredAction: 'x',
    dueDate: '2026-12-01',
  })
  const kev = (...cves: string[]) => ({
    title: 'x',
    catalogVersion: '2026.11.01',
    dateReleased: '2026-11-01T00:00:00.000Z',
    count: cves.length,
    vulnerabilities: cves.map(entry),
  })
  publish('tracker', { openssl: { 'CVE-2026-1000': release({}), 'CVE-2026-2000': release({}) } })
  await look()
  publish('kev', kev('CVE-2026-2000'))
  assert.deepEqual(await look(), { events: [], troubles: [] })
  publish('kev', kev('CVE-2026-2000', 'CVE-2026-1000'))
  const { events } = await look()
  assert.deepEqual(
    events.map(({ subject }) => subject),
    ['CVE-2026-1000'],
  )
  assert.equal(sourcesOf(events[0])[0]?.to?.exploited, true)
})

test('an announcement without a CVE is an issue of its own', async (t) => {
  const { publish, look } = await watching(t)
  publish('tracker', { openssl: { 'CVE-2026-1000': release({}) } })
  publish('dsa', '[01 Nov 2026] DSA-6000-1 curl - security update\n\t[trixie] - curl 8.14.1-3\n')
  await look()
  publish(
    'dsa',
    '[02 Nov 2026] DSA-6001-1 openssl - security update\n\t[trixie] - openssl 3.5.1-2\n[01 Nov 2026] DSA-6000-1 curl - security update\n\t[trixie] - curl 8.14.1-3\n',
  )
  const { events } = await look()
  assert.deepEqual(
    events.map(({ subject }) => subject),
    ['DSA-6001-1'],
  )
  assert.deepEqual(sourcesOf(events[0])[0]?.to, { fix: '3.5.1-2', announcements: ['DSA-6001-1'], exploited: false })
})

test('a publisher that fails is trouble, and data that are gone are no news', async (t) => {
  const { publish, look, mirror, cache } = await watching(t)
  publish('tracker', { openssl: { 'CVE-2026-1000': release({}) } })
  await look()
  mirror.fault = () => ({ kind: 'status', status: 503 })
  const failed = await look()
  assert.deepEqual(failed.events, [])
  assert.match(failed.troubles.join(), /503/)
  rmSync(cache, { recursive: true })
  const gone = await look()
  assert.deepEqual(gone.events, [])
  assert.match(gone.troubles.join(), /no advisories were imported yet/)
})
