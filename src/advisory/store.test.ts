import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  AdvisoryError,
  encodeStore,
  type ImportedFile,
  importFile,
  isStale,
  makePart,
  type NewPart,
  openAdvisoryStore,
  type StoreFile,
} from '#advisory'
import { readDirectory } from './store-format.ts'

const now = '2026-11-21T12:00:00Z'

function part(...files: ImportedFile[]): NewPart {
  return makePart(files, { names: files.map(() => 'file'), digest: 'sha256:0', changedAt: now, importedAt: now })
}

function sample(...names: string[]): NewPart {
  const folder = join(import.meta.dirname, 'testdata')
  return part(...names.map((file) => importFile(readFileSync(join(folder, file), 'utf8'), { file })))
}

const inMemory = (bytes: Uint8Array): StoreFile => ({
  path: 'store',
  size: bytes.length,
  read: (offset, length) => bytes.slice(offset, offset + length),
})

const stored = (...parts: NewPart[]) => inMemory(Buffer.concat(encodeStore(parts)))

const all = () =>
  stored(
    sample('export.json'),
    sample('DSA-list'),
    sample('DLA-list'),
    sample('kev.json'),
    sample('epss.csv'),
    sample('BIT-node-2023-30581.json'),
    sample('security-support-ended.deb12', 'security-support-limited'),
  )

test('a store answers by source package and release, in Debian’s words and with its evidence', () => {
  const store = openAdvisoryStore(all())
  assert.deepEqual(store.debianStatements('glibc', 'trixie'), [
    {
      source: 'glibc',
      cve: 'CVE-2026-0861',
      release: 'trixie',
      status: 'open',
      sub: 'no-dsa',
      note: 'Minor issue',
      urgency: 'not yet assigned',
      description: 'Passing too large an alignment to the memalign suite of functions',
      isUnimportant: false,
      evidence: { origin: 'file', place: 'glibc/CVE-2026-0861/trixie' },
    },
  ])
  const [unimportant] = store.debianStatements('prototypejs', 'sid')
  assert.deepEqual([unimportant?.status, unimportant?.isUnimportant], ['not-affected', true])
  assert.deepEqual(store.debianStatements('glib', 'trixie'), [], 'the start of a name is no name')
  assert.deepEqual(
    store.announcements('libpng1.6').map(({ id }) => id),
    ['DSA-6189-1'],
  )
})

test('a store answers by CVE, by advisory, and by ecosystem and name', () => {
  const store = openAdvisoryStore(all())
  assert.equal(store.issue('CVE-2026-0861').statements.length, 3)
  assert.equal(store.issue('CVE-2026-0861').prediction?.probability, 0.00021)
  assert.equal(store.issue('CVE-2023-44487').exploited?.dateAdded, '2023-10-10')
  assert.equal(store.issue('CVE-2026-33416').announcements[0]?.id, 'DSA-6189-1')
  assert.equal(store.issue('DSA-6189-1').announcements[0]?.source, 'libpng1.6')
  assert.equal(store.issue('CVE-2023-30581').osv[0]?.id, 'BIT-node-2023-30581')
  assert.equal(store.issue('BIT-node-2023-30581').osv.length, 1)
  assert.equal(store.osv('Bitnami', 'node').length, 1)
  assert.equal(store.osv('Bitnami', 'nod').length, 0)
  assert.deepEqual(store.issue('CVE-2026-086').statements, [], 'the start of a CVE is no CVE')
})

const notices: [source: string, release: string, found: number, because: string][] = [
  ['php-horde-core', 'bookworm', 1, 'a pattern stands for what goes on'],
  ['php-horde-core', 'trixie', 0, 'it ended in another release'],
  ['golang-1.23', 'trixie', 1, 'limited support holds for every release'],
  ['libsoup2.4', 'trixie', 1, 'a dot is a dot'],
  ['libsoup234', 'trixie', 0, 'and nothing else'],
]
for (const [source, release, count, because] of notices) {
  test(`support of ${source} in ${release}: ${because}`, () => {
    assert.equal(openAdvisoryStore(all()).support(source, release).length, count)
  })
}

function manyIssues(source: string, count: number): ImportedFile {
  const releases = { sid: { status: 'resolved', fixed_version: '1-1', urgency: 'low' } }
  const issues = Array.from({ length: count }, (_, number) => [
    `CVE-2026-${1000 + number}`,
    { description: 'x'.repeat(200), releases },
  ])
  return importFile(JSON.stringify({ [source]: Object.fromEntries(issues) }), { file: 'x.json' })
}

test('what goes over many blocks is found whole', () => {
  const store = openAdvisoryStore(stored(part(manyIssues('gcc', 300), manyIssues('gcc-14', 700), manyIssues('gcd', 1))))
  assert.equal(store.debianStatements('gcc').length, 300)
  assert.equal(store.debianStatements('gcc-14').length, 700)
  assert.equal(store.debianStatements('gcd').length, 1)
  assert.equal(store.debianStatements('gcb').length, 0)
  assert.equal(store.debianStatements('zz').length, 0)
  for (let number = 1000; number < 1700; number += 23) {
    const want = number < 1300 ? 2 : 1
    const { statements } = store.issue(`CVE-2026-${number}`)
    assert.equal(statements.filter(({ source }) => source !== 'gcd').length, want, `CVE-2026-${number}`)
  }
})

test('a new part takes the place of the one of its kind, and leaves the others as they are', () => {
  const file = all()
  const pieces = encodeStore([part(manyIssues('nginx', 3))], [{ file, parts: readDirectory(file) }])
  const store = openAdvisoryStore(inMemory(Buffer.concat(pieces)))
  assert.deepEqual(
    store.parts.map(({ kind, records }) => [kind, records]),
    [
      ['tracker', 3],
      ['dsa', 8],
      ['dla', 2],
      ['kev', 2],
      ['epss', 2],
      ['osv', 1],
      ['support', 5],
    ],
  )
  assert.equal(store.debianStatements('glibc').length, 0)
  assert.equal(store.debianStatements('nginx').length, 3)
  assert.equal(store.issue('CVE-2023-30581').osv.length, 1)
  assert.equal(store.announcements('libpng1.6').length, 1)
})

/** Asks a store everything that the samples can answer. */
function answers(file: StoreFile): string {
  const store = openAdvisoryStore(file)
  const ids = ['CVE-2026-0861', 'CVE-2023-44487', 'CVE-2023-30581', 'DSA-6189-1', 'CVE-2025-49794']
  const sources = ['glibc', 'libpng1.6', 'lxd', 'curl', 'libxml2', 'nothing']
  return JSON.stringify([
    store.parts,
    ids.map((id) => store.issue(id)),
    sources.map((name) => [store.debianStatements(name), store.announcements(name), store.support(name)]),
    store.osv('Bitnami', 'node'),
  ])
}

test('damage anywhere is an error, never another answer', () => {
  const whole = Buffer.concat(encodeStore([sample('export.json'), sample('DSA-list'), sample('kev.json')]))
  const want = answers(inMemory(whole))
  let refusals = 0
  for (let position = 0; position < whole.length; position += 41) {
    const bytes = Buffer.from(whole)
    bytes[position] = (bytes[position] ?? 0) ^ 0x04
    try {
      assert.equal(answers(inMemory(bytes)), want, `byte ${position} changes an answer`)
    } catch (error) {
      if (!(error instanceof AdvisoryError)) throw error
      assert.equal(error.code, 'ADVISORY_STORE_INVALID')
      refusals++
    }
  }
  assert.ok(refusals > whole.length / 41 / 2, `only ${refusals} damages were seen`)
})

test('a store that is cut short, or of another format, is refused', () => {
  const whole = Buffer.concat(encodeStore([sample('kev.json')]))
  const other = Buffer.from(whole)
  other.writeUInt32LE(99, 4)
  const open = (bytes: Uint8Array) => () => openAdvisoryStore(inMemory(bytes))
  assert.throws(open(whole.subarray(0, -1)), /want [0-9]+; remove the file/)
  assert.throws(open(new Uint8Array()), /it is cut short/)
  assert.throws(open(other), /it has format 99, want format 1/)
})

test('a part of which nothing can be read is refused with the first reason', () => {
  const broken = importFile('{"openssl":{"CVE-2026-1000":{}}}', { file: 'x.json' })
  assert.throws(
    () => part(broken),
    /no record of it can be read; the first is openssl\/CVE-2026-1000: `releases` is missing/,
  )
})

test('the tracker is stale after three days, by the date that the data bear', () => {
  const { state } = sample('export.json')
  const day = 86_400_000
  assert.equal(isStale(state, Date.parse(now) + 3 * day), false)
  assert.equal(isStale(state, Date.parse(now) + 3 * day + 1), true)
  assert.equal(isStale(state, Date.parse(now) - 2 * day), true, 'nobody knows how old data of the future are')
  assert.equal(sample('epss.csv').state.contentDate, '2026-11-20')
})
