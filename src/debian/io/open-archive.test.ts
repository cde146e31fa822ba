import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  type Fault,
  requestsFor,
  type TestArchive,
  type TestPublication,
  testArchive,
  testKey,
  testMirror,
} from '#testkit'
import { DebianError } from '../errors.ts'
import type { OpenArchiveOptions } from './archive-session.ts'
import { openArchive } from './open-archive.ts'
import { searchFiles } from './search-files.ts'

const HOUR = 3_600_000
const ago = (hours: number) => new Date(Date.now() - hours * HOUR)
const debs = [{ name: 'hello' }, { name: 'all-of-us', architecture: 'all' }]

/** Opens, closes, and gives what was seen. */
async function open(archive: TestArchive, changes: Partial<OpenArchiveOptions> = {}) {
  const opened = await openArchive({ ...archive.options, ...changes })
  try {
    const versions = opened.universe.versions('hello').map(({ version }) => version)
    return { versions, names: [...opened.universe.names()], observed: opened.observed, notices: opened.notices }
  } finally {
    opened.close()
  }
}

const refusal = (archive: TestArchive, code: string, changes: Partial<OpenArchiveOptions> = {}) =>
  assert.rejects(open(archive, changes), (error) => error instanceof DebianError && error.code === code)

/** Files in the cache that are not whole; after whatever happened there must be none but resumable downloads. */
const objects = (archive: TestArchive) =>
  readdirSync(join(archive.cache, 'objects'), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )

test('an archive opens from its mirror, and again without asking for its index', async (t) => {
  const archive = await testArchive(t, { debs })
  assert.deepEqual((await open(archive)).names, ['all-of-us', 'hello'])
  const asked = requestsFor(archive.mirror, 'by-hash')
  assert.equal(asked, 1)
  const again = await open(archive)
  assert.deepEqual(again.versions, ['1.0'])
  assert.deepEqual(again.notices, [])
  assert.equal(requestsFor(archive.mirror, 'by-hash'), asked)
  assert.equal(
    archive.mirror.requests.at(-1)?.headers['if-none-match']?.length,
    73,
    'InRelease is asked for conditionally',
  )
})

for (const compression of ['gz', 'xz'] as const) {
  for (const byHash of [true, false]) {
    test(`an index in ${compression} is read ${byHash ? 'by its digest' : 'by its name'}`, async (t) => {
      const archive = await testArchive(t, { debs })
      await archive.republish({ compression, byHash })
      assert.deepEqual((await open(archive)).versions, ['1.0'])
    })
  }
}

test('case 1: a state behind the newest one seen is refused, also by a fresh cache that is told the date', async (t) => {
  const archive = await testArchive(t, { debs })
  const { observed } = await open(archive)
  await archive.republish({ date: ago(2) })
  await refusal(archive, 'SUITE_ROLLED_BACK')
  rmSync(archive.cache, { recursive: true })
  await refusal(archive, 'SUITE_ROLLED_BACK', { floor: observed })
  await open(archive)
})

test('case 1: of two mirrors, the one that is not behind is taken', async (t) => {
  const archive = await testArchive(t, { debs })
  await open(archive)
  await archive.republish({ date: ago(5) })
  const behind = inRelease(archive)
  await archive.publish({ name: 'hello', version: '2.0' })
  archive.mirror.fault = ({ path }) => (path.endsWith('InRelease') ? { kind: 'body', body: behind } : undefined)
  const current = await testMirror(t, archive.folder)
  const mirrors = { 'test-1': [archive.mirror.url, current.url] }
  assert.deepEqual((await open(archive, { mirrors })).versions, ['2.0', '1.0'])
})

test('case 2: a frozen suite is taken but said to be stale, if its rule says so', async (t) => {
  const archive = await testArchive(t, { debs, suiteLines: ['loud-after-hours: 72'] })
  await archive.republish({ date: ago(100) })
  const { observed, notices } = await open(archive)
  assert.equal(observed[0]?.stale, true)
  assert.match(notices.join(), /trixie is stale.*100 hours/)
})

test('case 3: an expired suite is refused, or taken on request and recorded', async (t) => {
  const archive = await testArchive(t, { debs })
  await archive.republish({ date: ago(48), validUntil: ago(24) })
  await refusal(archive, 'SUITE_EXPIRED')
  const { observed, notices } = await open(archive, { acceptExpired: true })
  assert.equal(observed[0]?.expired, true)
  assert.match(notices.join(), /expired/)
})

const metadata: [string, string, TestPublication | (() => Promise<TestPublication>)][] = [
  ['case 3: a Date in the future', 'SUITE_FROM_FUTURE', { date: ago(-3), signedAt: ago(1) }],
  ['case 4: data before the message', 'SUITE_INVALID', { inRelease: (text) => `Origin: Evil\n\n${text}` }],
  ['case 4: data after the message', 'SUITE_INVALID', { inRelease: (text) => `${text}\nOrigin: Evil\n` }],
  ['case 4: two messages', 'SUITE_INVALID', { inRelease: (text) => text + text }],
  ['case 4: an altered text', 'SUITE_UNTRUSTED', { inRelease: (text) => text.replace('Suite: stable', 'Suite: sid') }],
  ['case 5: an unknown key', 'SUITE_UNTRUSTED', async () => ({ signers: [await testKey()] })],
  ['case 5: the right key, another suite', 'SUITE_UNTRUSTED', { fields: { Codename: 'bookworm' } }],
  ['case 5: the right key, another origin', 'SUITE_UNTRUSTED', { fields: { Origin: 'Debian' } }],
  ['case 6: an InRelease without its signature', 'SUITE_INVALID', { inRelease: () => 'Origin: Test\nLabel: Test\n' }],
  ['case 7: digests no better than MD5', 'SUITE_INVALID', { release: (text) => text.replace('SHA256:', 'MD5Sum:') }],
  ['case 7: no digest for the index', 'SUITE_INVALID', { release: (text) => text.replace(/^ .*Packages.*\n/gm, '') }],
  ['case 10: a field of 10 MB', 'INDEX_INVALID', { packages: (text) => `${text}X: ${'x'.repeat(10 << 20)}\n` }],
  ['case 10: a stanza without a name', 'INDEX_INVALID', { packages: (text) => `${text}\nVersion: 1\n` }],
  ['case 11: a name with a path in it', 'INDEX_INVALID', { packages: (text) => text.replace('hello', '../hello') }],
]
for (const [title, code, publication] of metadata) {
  test(`${title} is refused, and the state before stays usable`, async (t) => {
    const archive = await testArchive(t, { debs })
    await open(archive)
    await archive.republish({
      date: ago(0.5),
      ...(typeof publication === 'function' ? await publication() : publication),
    })
    await refusal(archive, code)
    assert.deepEqual((await open(archive, { offline: true })).versions, ['1.0'])
  })
}

test('case 8: an index of the same size and another content is refused', async (t) => {
  const archive = await testArchive(t, { debs })
  archive.mirror.fault = ({ path }) => {
    if (!path.includes('by-hash') && !path.endsWith('Packages.gz')) return undefined
    return { kind: 'body', body: new Uint8Array(indexSize(archive)) }
  }
  await refusal(archive, 'FETCH_MISMATCH')
  assert.equal(objects(archive).length, 1, 'only the InRelease is kept')
})

test('case 8: a mirror without by-hash that is just being updated is asked for both files once more', async (t) => {
  const archive = await testArchive(t, { debs })
  await archive.republish({ byHash: false, date: ago(2) })
  const before = inRelease(archive)
  await archive.republish({ byHash: false, packages: (text) => text.replaceAll('Version: 1.0', 'Version: 1.1') })
  archive.mirror.fault = ({ path }, count) =>
    path.endsWith('InRelease') && count === 0 ? { kind: 'body', body: before } : undefined
  assert.deepEqual((await open(archive)).versions, ['1.1'])
})

const slow: [string, Fault, string][] = [
  ['an endless body', { kind: 'endless' }, 'FETCH_MISMATCH'],
  [
    'a body longer than announced in the Release file',
    { kind: 'body', body: new Uint8Array(1 << 20) },
    'FETCH_MISMATCH',
  ],
  ['a wrong Content-Length', { kind: 'length', length: 7 }, 'FETCH_MISMATCH'],
  ['a body that breaks off', { kind: 'truncate', after: 10 }, 'FETCH_FAILED'],
  ['a server that never answers', { kind: 'silent' }, 'FETCH_FAILED'],
  ['a body that trickles', { kind: 'slow', piece: 1, pause: 50 }, 'FETCH_FAILED'],
  ['a redirect loop', { kind: 'redirect', location: '/dists/trixie/loop' }, 'FETCH_REFUSED'],
  ['a redirect to a file', { kind: 'redirect', location: 'file:///etc/passwd' }, 'FETCH_REFUSED'],
]
for (const [title, fault, code] of slow) {
  test(`case 9: ${title} is given up in bounded time`, async (t) => {
    const archive = await testArchive(t, { debs })
    const target = (path: string) => /by-hash|Packages|loop/.test(path)
    archive.mirror.fault = ({ path }) => (target(path) ? fault : undefined)
    const patience = { attempts: 2, backOff: 1, deadline: 300, slowest: 1 << 30 }
    await refusal(archive, code, { patience, httpLimits: { connect: 300, idle: 200, redirects: 3 } })
  })
}

test('case 9: an endless InRelease is given up', async (t) => {
  const archive = await testArchive(t, { debs })
  archive.mirror.fault = () => ({ kind: 'endless' })
  await refusal(archive, 'FETCH_MISMATCH')
})

test('case 10: duplicates and bytes that are no text give the same packages every time', async (t) => {
  const archive = await testArchive(t, { debs })
  await archive.republish({ packages: (text) => `${text}\n${text}\n${text.replace('test package', 'caf\xe9')}` })
  assert.deepEqual((await open(archive)).versions, ['1.0'])
})

test('case 11: a file name that leaves the archive is refused before it is used', async (t) => {
  for (const name of ['../../etc/passwd', '/etc/passwd', 'pool/../../x']) {
    const archive = await testArchive(t, { debs })
    await archive.republish({ packages: (text) => text.replace(/Filename: .*/g, `Filename: ${name}`) })
    await refusal(archive, 'PACKAGE_INVALID')
  }
})

test('a mirror that fails is passed over', async (t) => {
  const archive = await testArchive(t, { debs })
  const other = await testMirror(t, archive.folder)
  archive.mirror.fault = ({ path }) => (path.includes('by-hash') ? { kind: 'status', status: 503 } : undefined)
  const mirrors = { 'test-1': ['http://127.0.0.1:1', archive.mirror.url, other.url] }
  assert.deepEqual((await open(archive, { mirrors })).versions, ['1.0'])
  assert.equal(requestsFor(other, 'by-hash'), 0, 'the name is asked for after the digest, at the same mirror')
})

test('an InRelease that the mirror says is current is not written again', async (t) => {
  const archive = await testArchive(t, { debs })
  await open(archive)
  const files = () =>
    Object.fromEntries(
      objects(archive).map(({ parentPath, name }) => [name, statSync(join(parentPath, name), { bigint: true }).ino]),
    )
  const before = files()
  await open(archive)
  assert.deepEqual(files(), before)
})

test('a mirror that always says 304 is not believed', async (t) => {
  const archive = await testArchive(t, { debs })
  archive.mirror.fault = () => ({ kind: 'not-modified' })
  await refusal(archive, 'FETCH_FAILED')
})

test('a kept InRelease is verified again: an expired one is refused though the mirror says it is current', async (t) => {
  const archive = await testArchive(t, { debs })
  await archive.republish({ validUntil: ago(-1) })
  await open(archive)
  await refusal(archive, 'SUITE_EXPIRED', { now: ago(-2) })
})

test('offline, everything that is missing is named', async (t) => {
  const archive = await testArchive(t, { debs })
  await assert.rejects(open(archive, { offline: true }), { code: 'OFFLINE_MISSING', message: /InRelease of trixie/ })
  await open(archive)
  for (const folder of ['indexes', 'objects']) {
    for (const entry of readdirSync(join(archive.cache, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      if (entry.isFile() && (folder === 'indexes' || statSync(path).size === indexSize(archive))) rmSync(path)
    }
  }
  await assert.rejects(open(archive, { offline: true }), { code: 'OFFLINE_MISSING', message: /Packages.gz of trixie/ })
})

test('a torn or empty compiled index is made anew', async (t) => {
  const archive = await testArchive(t, { debs })
  await open(archive)
  for (const keep of [0, 40]) {
    for (const entry of readdirSync(join(archive.cache, 'indexes'), { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) truncateSync(join(entry.parentPath, entry.name), keep)
    }
    assert.deepEqual((await open(archive)).versions, ['1.0'])
  }
})

test('a suite that does not serve the architecture is told, and none that does is an error', async (t) => {
  const archive = await testArchive(t, { debs })
  await refusal(archive, 'INDEX_INVALID', { architecture: 'riscv64' })
  const { notices, names } = await open(archive, { foreignArchitectures: ['riscv64'] })
  assert.match(notices.join(), /trixie does not serve riscv64/)
  assert.deepEqual(names, ['all-of-us', 'hello'])
})

test('two archives are merged, in their order', async (t) => {
  const main = await testArchive(t, { debs })
  const addOn = await testArchive(t, { name: 'acme', suite: 'stable', debs: [{ name: 'hello', version: '3.0' }] })
  const merged = {
    archives: ['test-1', 'acme'],
    archiveFolders: [main.archiveFolder, addOn.archiveFolder],
    mirrors: { ...main.options.mirrors, ...addOn.options.mirrors },
  }
  const { versions, observed } = await open(main, merged)
  assert.deepEqual(versions, ['3.0', '1.0'])
  assert.deepEqual(
    observed.map(({ archive, suite }) => `${archive} ${suite}`),
    ['test-1 trixie', 'acme stable'],
  )
})

test('unknown archives and suites are named, with the nearest', async (t) => {
  const archive = await testArchive(t, { debs })
  await assert.rejects(open(archive, { archives: ['debian-14'] }), { code: 'ARCHIVE_UNKNOWN', message: /debian-1[23]/ })
  await assert.rejects(open(archive, { suites: ['sid'] }), { code: 'ARCHIVE_UNKNOWN', message: /suite sid/ })
})

test('an archive file of a name that ships is refused: trust is not overridden silently', async (t) => {
  const archive = await testArchive(t, { name: 'debian-13', debs })
  await refusal(archive, 'ARCHIVE_INVALID')
})

test('a search for files says when there is no index of files', async (t) => {
  const archive = await testArchive(t, { debs })
  await assert.rejects(searchFiles('bin/sh', archive.options), { code: 'INDEX_INVALID', message: /index of files/ })
})

test('an aborted opening ends at once with the reason it was given', async (t: TestContext) => {
  const archive = await testArchive(t, { debs })
  archive.mirror.fault = () => ({ kind: 'silent' })
  const abort = new AbortController()
  const opening = open(archive, { signal: abort.signal })
  abort.abort(new Error('enough'))
  await assert.rejects(opening, { message: 'enough' })
})

function inRelease(archive: TestArchive): Uint8Array {
  return readFileSync(join(archive.folder, 'dists', archive.suite, 'InRelease'))
}

function indexSize(archive: TestArchive): number {
  return statSync(join(archive.folder, 'dists/trixie/main/binary-amd64/Packages.gz')).size
}
