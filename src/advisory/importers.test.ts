import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AdvisoryError, type AdvisoryKind, type ImportedFile, importFile } from '#advisory'

const text = (file: string) => readFileSync(join(import.meta.dirname, 'testdata', file), 'utf8')

function read<Kind extends AdvisoryKind>(file: string, kind: Kind, content = text(file)) {
  const imported = importFile(content, { file })
  assert.equal(imported.kind, kind)
  return imported as Extract<ImportedFile, { kind: Kind }>
}

const refused = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof AdvisoryError && error.code === code && message.test(error.message)

const recognised: [string, AdvisoryKind, number][] = [
  ['export.json', 'tracker', 7],
  ['DSA-list', 'dsa', 8],
  ['DLA-list', 'dla', 2],
  ['kev.json', 'kev', 2],
  ['epss.csv', 'epss', 2],
  ['BIT-node-2023-30581.json', 'osv', 1],
  ['security-support-ended.deb12', 'support', 2],
  ['security-support-limited', 'support', 3],
]
for (const [file, kind, count] of recognised) {
  test(`${file} is recognised as ${kind}`, () => assert.equal(read(file, kind).records.length, count))
}

const states: [state: object, want: object | string, because: string][] = [
  [{ status: 'resolved', fixed_version: '1:2-1' }, { status: 'fixed', version: '1:2-1' }, 'a version is a fix'],
  [{ status: 'resolved', fixed_version: '0' }, { status: 'not-affected' }, 'version 0 says that it never had it'],
  [{ status: 'open' }, { status: 'open' }, 'open and nothing more'],
  [{ status: 'open', nodsa: 'Minor', nodsa_reason: '' }, { status: 'open', sub: 'no-dsa', note: 'Minor' }, 'no DSA'],
  [{ status: 'open', nodsa: '', nodsa_reason: 'ignored' }, { status: 'open', sub: 'ignored' }, 'nobody will fix it'],
  [{ status: 'open', nodsa_reason: 'postponed' }, { status: 'open', sub: 'postponed' }, 'it waits for another fix'],
  [{ status: 'open', urgency: 'end-of-life' }, { status: 'end-of-life' }, 'the end of support is an urgency there'],
  [{ status: 'undetermined' }, { status: 'undetermined' }, 'nobody knows'],
  [{ status: 'open', urgency: 'unimportant' }, { status: 'open' }, 'unimportant is open, not "not affected"'],
  [{ status: 'resolved' }, '`fixed_version` as a version is missing', 'a fix without version says nothing'],
  [{ status: 'resolved', fixed_version: 'soon' }, 'found "soon", want `fixed_version` as a version', 'no version'],
  [{ status: 'safe' }, 'found "safe", want `status` as resolved, open or undetermined', 'an unknown word'],
  [{ status: 'open', nodsa_reason: 'later' }, 'found "later", want `nodsa_reason` as ignored', 'an unknown reason'],
  [{ status: 'open', urgency: 3 }, 'found number, want `urgency`', 'an urgency is text'],
]
for (const [state, want, because] of states) {
  test(`tracker: ${JSON.stringify(state)}: ${because}`, () => {
    const trixie = { urgency: 'low', ...state }
    const document = { openssl: { 'CVE-2026-1000': { releases: { trixie, sid: { status: 'open', urgency: 'low' } } } } }
    const { records, quarantined } = read('x.json', 'tracker', JSON.stringify(document))
    const releases = records[0]?.releases ?? []
    assert.equal(releases.at(-1)?.release, 'sid', 'what stands beside it goes in')
    if (typeof want === 'string') {
      assert.equal(releases.length, 1)
      assert.equal(quarantined.first[0]?.place, 'openssl/CVE-2026-1000/trixie')
      assert.ok(quarantined.first[0]?.reason.startsWith(want), quarantined.first[0]?.reason)
    } else assert.deepEqual(releases[0], { release: 'trixie', ...want, urgency: trixie.urgency })
  })
}

test('tracker: a broken entry is left out by name, the rest goes in', () => {
  const entry = { releases: { sid: { status: 'open', urgency: 'low' } } }
  const document = {
    a1: { 'CVE-2026-1000': entry, 'CVE-1': entry, 'CVE-2026-1001': { releases: [] }, 'CVE-2026-1002': null },
    'Not a name': {},
    b1: [],
    __proto__: { 'CVE-2026-1000': entry },
  }
  const { records, quarantined } = read('x.json', 'tracker', JSON.stringify(document))
  assert.equal(records.length, 1)
  assert.deepEqual(
    quarantined.first.map(({ place }) => place),
    ['a1/CVE-1', 'a1/CVE-2026-1001', 'a1/CVE-2026-1002', 'Not a name', 'b1'],
  )
})

test('a list of announcements keeps what each line says, and names the line that says nothing', () => {
  const { records, quarantined, contentDate } = read('DSA-list', 'dsa')
  assert.equal(contentDate, '2026-03-31')
  assert.deepEqual(records[0], {
    id: 'DSA-6189-1',
    date: '2026-03-31',
    source: 'libpng1.6',
    title: 'security update',
    cves: ['CVE-2026-33416', 'CVE-2026-33636'],
    fixes: [
      { release: 'bookworm', source: 'libpng1.6', version: '1.6.39-2+deb12u4' },
      { release: 'trixie', source: 'libpng1.6', version: '1.6.48-1+deb13u4' },
    ],
    line: 1,
  })
  const bySource = new Map(records.map(({ id, source }) => [id, source]))
  assert.equal(bySource.get('DSA-4205-1'), undefined, 'the end of a release is about no package')
  assert.equal(bySource.get('DSA-425'), 'tcpdump', 'old numbers have no revision')
  assert.equal(quarantined.count, 1)
  assert.match(quarantined.first[0]?.place ?? '', /^DSA-list:[0-9]+$/)
  assert.match(quarantined.first[0]?.reason ?? '', /kernel-image-2\.4\.17-ia64", want a version/)
  const ended = read('DLA-list', 'dla').records.at(-1)
  assert.deepEqual(ended?.fixes, [{ release: 'squeeze', source: 'virtualbox-ose', word: 'end-of-life' }])
})

test('a list of announcements: what belongs to nothing, and a day that there is not, is left out', () => {
  const list =
    '\t{CVE-2026-1000}\n[31 Feb 2026] DSA-1-1 a1 - x\n\t[sid] - a1 1\n[1 Mar 2026] DSA-2-1 b1 - x\n\t{CVE-x}\n\tb1 1\n'
  const { records, quarantined } = read('DSA-list', 'dsa', list)
  assert.deepEqual(
    records.map(({ id }) => id),
    ['DSA-2-1'],
  )
  assert.deepEqual(
    quarantined.first.map(({ place }) => place),
    ['DSA-list:1', 'DSA-list:2', 'DSA-list:3', 'DSA-list:5', 'DSA-list:6'],
  )
})

test('EPSS: a row that is none is left out by its line', () => {
  const rows = 'cve,epss,percentile\nCVE-2026-1000,0.5,0.9\nCVE-2026-1001,1.5,0.9\nCVE-2026-1002,0.5\n\u001B[2J,1,1\n'
  const { records, quarantined } = read('epss.csv', 'epss', rows)
  assert.deepEqual(records, [{ cve: 'CVE-2026-1000', probability: 0.5, percentile: 0.9 }])
  assert.deepEqual(
    quarantined.first.map(({ place }) => place),
    ['epss.csv:3', 'epss.csv:4', 'epss.csv:5'],
  )
  assert.doesNotMatch(quarantined.first[2]?.reason ?? '', /\p{Cc}/u, 'what is printed cannot steer a terminal')
  assert.equal(read('epss.csv', 'epss').contentDate, '2026-11-20')
})

test('OSV: vectors and ranges are kept; a range with an unknown event leaves its package out', () => {
  const [record] = read('BIT-node-2023-30581.json', 'osv').records
  assert.deepEqual(record?.aliases, ['CVE-2023-30581'])
  const [affected] = record?.affected ?? []
  assert.deepEqual(affected?.severity, [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N' }])
  assert.deepEqual(affected?.ranges[0]?.events.slice(0, 2), [
    { kind: 'introduced', version: '16.0.0' },
    { kind: 'fixed', version: '16.20.1' },
  ])
  const document = JSON.parse(text('BIT-node-2023-30581.json'))
  document.affected.push({
    package: { ecosystem: 'npm', name: 'x' },
    ranges: [{ type: 'SEMVER', events: [{ from: '1' }] }],
  })
  const { records, quarantined } = read('x.json', 'osv', JSON.stringify(document))
  assert.equal(records[0]?.affected.length, 1)
  assert.equal(quarantined.first[0]?.place, 'x.json: affected[1]')
})

test('support: a list of ended support without a release in its name is refused', () => {
  assert.deepEqual(read('security-support-ended.deb12', 'support').records[0], {
    support: 'ended',
    source: 'php-horde.*',
    lastVersion: '0',
    date: '2025-03-22',
    note: 'https://lists.debian.org/debian-lts/2025/03/msg00012.html; incompatible with PHP8',
    place: 'security-support-ended.deb12:13',
    release: 'bookworm',
  })
  const ended = text('security-support-ended.deb12')
  assert.throws(() => importFile(ended, { file: 'ended' }), refused('ADVISORIES_INVALID', /does not end in a release/))
})

const strangers: [content: string, message: RegExp, because: string][] = [
  ['', /neither an export/, 'nothing'],
  ['{}', /neither an export/, 'an export without entries'],
  ['{"openssl":{"CVE-2026-1000":{"releases":{}', /it is no JSON/, 'cut short'],
  ['<html>not found</html>', /neither an export/, 'an error page'],
  ['security-support-ended.deb12', /neither an export/, 'a link that was stored as text'],
  ['[[[[', /neither an export/, 'lists of lists'],
  [`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, /neither an export/, 'deep'],
]
for (const [content, message, because] of strangers) {
  test(`a file that is no advisory data is refused: ${because}`, () => {
    assert.throws(() => importFile(content, { file: 'x' }), refused('ADVISORIES_INVALID', message))
  })
}

test('a document of too many values is refused before it costs their memory', () => {
  const content = `{"a":[${'[],'.repeat(6_000_001)}[]]}`
  assert.throws(() => importFile(content, { file: 'x' }), refused('ADVISORIES_LIMIT', /more than 12000000 values/))
})

test('a file of another kind than was asked for is refused', () => {
  const options = { file: 'DSA-list', kind: 'dla' as const }
  assert.throws(() => importFile(text('DSA-list'), options), refused('ADVISORIES_INVALID', /want dla data, got dsa/))
})
