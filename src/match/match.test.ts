import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeStore, importFile, makePart, openAdvisoryStore } from '#advisory'
import { digestOf } from '#core'
import { matchPackages, releaseOf } from './match.ts'

type States = Readonly<Record<string, object>>

/** A store as an import makes it: what the tracker says by source, CVE and release, and lists of announcements. */
function storeOf(
  tracker: Readonly<Record<string, Readonly<Record<string, States>>>>,
  lists: Record<string, string> = {},
) {
  const entries = Object.entries(tracker).map(([source, issues]) => {
    const records = Object.entries(issues).map(([cve, releases]) => [cve, { description: 'about it', releases }])
    return [source, Object.fromEntries(records)]
  })
  const texts = { 'export.json': JSON.stringify(Object.fromEntries(entries)), ...lists }
  const at = '2026-11-21T12:00:00Z'
  const parts = Object.entries(texts).map(([file, text]) => {
    const imported = importFile(text, { file })
    assert.equal(imported.quarantined.count, 0, JSON.stringify(imported.quarantined))
    return makePart([imported], { names: [file], digest: 'sha256:0', changedAt: at, importedAt: at })
  })
  const bytes = Buffer.concat(encodeStore(parts))
  const read = (offset: number, length: number) => bytes.subarray(offset, offset + length)
  return openAdvisoryStore({ path: 'store', size: bytes.length, read })
}

const binary = (name: string, source: string, version: string) => ({ name, source: { name: source, version } })
const openssl = (version: string) => [binary('libssl3t64', 'openssl', version)]
const CVE = 'CVE-2026-1000'
const fixedIn = (version: string, urgency = 'low') => ({ status: 'resolved', fixed_version: version, urgency })
const open = (more: object = {}) => ({ status: 'open', urgency: 'not yet assigned', ...more })

const traps: [installed: string, state: object, want: string, because: string][] = [
  ['3.5.1-1', fixedIn('3.5.7-1~deb13u3'), 'fixed 3.5.1-1 << 3.5.7-1~deb13u3', 'the fix is newer'],
  ['3.5.7-1~deb13u3', fixedIn('3.5.7-1~deb13u3'), 'has the fix', 'the very version'],
  ['3.5.7-1~deb13u3', fixedIn('3.5.7-1'), 'fixed 3.5.7-1~deb13u3 << 3.5.7-1', 'a tilde sorts before the end'],
  ['3.5.10-1', fixedIn('3.5.9-1'), 'has the fix', 'digits go by value'],
  ['1:1.0-1', fixedIn('3.5.9-1'), 'has the fix', 'an epoch outranks'],
  ['3.5.1-1', fixedIn('0'), 'not affected', 'version 0 is the word for a release that never had it'],
  ['3.5.1-1', fixedIn('3.5.7-1', 'unimportant'), 'fixed 3.5.1-1 << 3.5.7-1', 'a fix is out, however small the harm'],
  ['3.5.1-1', open(), 'open', 'no fix'],
  ['9:9-9', open(), 'open', 'no version is new enough for what has no fix'],
  ['3.5.1-1', open({ nodsa: 'Minor issue', nodsa_reason: '' }), 'no-dsa', 'no-dsa is not "not affected"'],
  ['3.5.1-1', open({ nodsa: 'Later', nodsa_reason: 'postponed' }), 'postponed', 'the second word'],
  ['3.5.1-1', open({ nodsa: 'No', nodsa_reason: 'ignored' }), 'ignored', 'the third word'],
  ['3.5.1-1', open({ urgency: 'unimportant' }), 'unimportant', 'harmless, but there'],
  ['3.5.1-1', open({ urgency: 'end-of-life' }), 'end-of-life', 'nobody looks at it any more'],
  ['3.5.1-1', open({ status: 'undetermined' }), 'undetermined', 'shown, and not taken for safe'],
]
for (const [installed, state, want, because] of traps) {
  test(`the tracker on ${installed}: ${want}, for ${because}`, () => {
    const store = storeOf({ openssl: { [CVE]: { bookworm: fixedIn('99'), trixie: state } } })
    const { findings, notAffected, hasFix } = matchPackages(openssl(installed), 'trixie', store)
    const [finding] = findings
    const said = [finding?.status, finding?.evidence.comparison].filter((word) => word !== undefined).join(' ')
    assert.equal(said || (notAffected === 1 && 'not affected') || (hasFix === 1 && 'has the fix'), want)
    assert.equal(findings.length + notAffected + hasFix, 1)
  })
}

test('a rebuild goes by the version of its source', () => {
  const store = storeOf({ openssl: { [CVE]: { trixie: fixedIn('3.5.1-1+b1') } } })
  const rebuilt = { ...binary('libssl3t64', 'openssl', '3.5.1-1'), version: '3.5.1-1+b2' }
  assert.equal(matchPackages([rebuilt], 'trixie', store).findings[0]?.evidence.comparison, '3.5.1-1 << 3.5.1-1+b1')
})

test('a CVE in two sources is two findings, each with its binary packages; sources without entry are named', () => {
  const store = storeOf({
    openssl: { [CVE]: { trixie: fixedIn('3.5.7-1') }, 'CVE-2026-2000': { trixie: open() } },
    edk2: { [CVE]: { trixie: open() } },
    zlib: { [CVE]: { bookworm: open() } },
  })
  const packages = [
    ...[binary('openssl', 'openssl', '3.5.1-1'), binary('libssl3t64', 'openssl', '3.5.1-1')],
    ...[binary('libssl3t64', 'openssl', '3.5.1-1'), binary('ovmf', 'edk2', '2025.02-8')],
    ...[binary('zlib1g', 'zlib', '1:1.3'), binary('bash', 'bash', '5.2')],
  ]
  const { findings, sources, silent } = matchPackages(packages, 'trixie', store)
  assert.deepEqual(
    findings.map(({ cve, source, status, packages: names }) => [cve, source, status, names.join(' ')]),
    [
      [CVE, 'openssl', 'fixed', 'libssl3t64 openssl'],
      [CVE, 'edk2', 'open', 'ovmf'],
      ['CVE-2026-2000', 'openssl', 'open', 'libssl3t64 openssl'],
    ],
  )
  assert.deepEqual([sources, silent], [4, ['bash', 'zlib']])
})

const DSA_LIST = `[02 Feb 2026] DSA-6000-2 openssl - security update
	{CVE-2026-3000}
	[trixie] - openssl 3.5.7-1~deb13u3
[01 Feb 2026] DSA-6000-1 openssl - security update
	{CVE-2026-1000 CVE-2026-3000}
	[bookworm] - openssl 3.0.17-1~deb12u9
	[trixie] - openssl 3.5.7-1~deb13u2
[01 Jan 2026] DSA-5900-1 openssl - update without a number
	[trixie] - openssl 3.5.2-1
[01 Jan 2026] DSA-5901-1 openssl - security update
	{CVE-2026-4000}
	[trixie] - openssl <not-affected>
	[bookworm] - openssl <end-of-life>
`

test('announcements count where the tracker has no statement, in their release, the highest version of each issue', () => {
  const store = storeOf(
    { openssl: { [CVE]: { trixie: open({ nodsa: '', nodsa_reason: '' }) } } },
    { 'DSA-list': DSA_LIST },
  )
  const matched = (version: string, release: string) => {
    const { findings, notAffected, hasFix } = matchPackages(openssl(version), release, store)
    return [...findings.map(({ cve, status, fixedIn: fix }) => `${cve} ${fix ?? status}`), notAffected, hasFix]
  }
  assert.deepEqual(matched('3.5.1-1', 'trixie'), [
    'CVE-2026-3000 3.5.7-1~deb13u3',
    'DSA-5900-1 3.5.2-1',
    `${CVE} no-dsa`,
    ...[1, 0],
  ])
  assert.deepEqual(matched('3.5.7-1~deb13u2', 'trixie'), ['CVE-2026-3000 3.5.7-1~deb13u3', `${CVE} no-dsa`, 1, 1])
  assert.deepEqual(matched('3.0.17-1~deb12u8', 'bookworm'), [
    `${CVE} 3.0.17-1~deb12u9`,
    'CVE-2026-3000 3.0.17-1~deb12u9',
    'CVE-2026-4000 end-of-life',
    ...[0, 0],
  ])
  const [finding] = matchPackages(openssl('3.5.1-1'), 'trixie', store).findings
  assert.deepEqual(finding?.evidence, {
    origin: 'DSA-list',
    place: 'DSA-6000-2/openssl/trixie',
    comparison: '3.5.1-1 << 3.5.7-1~deb13u3',
  })
})

test('exploited findings stand before likely ones, and those before the others', () => {
  const kev = JSON.stringify({
    ...{ title: 'CISA Catalog of Known Exploited Vulnerabilities', catalogVersion: '2026.11.20', count: 1 },
    dateReleased: '2026-11-20T12:00:00.000Z',
    vulnerabilities: [
      {
        ...{ cveID: 'CVE-2026-3', vendorProject: 'OpenSSL', product: 'OpenSSL', vulnerabilityName: 'It' },
        ...{ dateAdded: '2026-11-01', dueDate: '2026-11-20', knownRansomwareCampaignUse: 'Unknown' },
        ...{ shortDescription: '', requiredAction: '', notes: '' },
      },
    ],
  })
  const epss =
    '#model_version:v2025.03.14,score_date:2026-11-20T00:00:00+0000\ncve,epss,percentile\nCVE-2026-2,0.5,0.9\nCVE-2026-4,0.25,0.8\n'
  const fix = { trixie: fixedIn('3.5.7-1') }
  const issues = Object.fromEntries(
    ['CVE-2026-1', 'CVE-2026-2', 'CVE-2026-3', 'CVE-2026-4'].map((id) => [`${id}000`, fix]),
  )
  const store = storeOf(
    { openssl: { ...issues, 'CVE-2026-0999': { trixie: open() } } },
    {
      'kev.json': kev.replace('CVE-2026-3', 'CVE-2026-3000'),
      'epss.csv': epss.replaceAll(/(CVE-2026-[24])/g, '$1000'),
    },
  )
  assert.deepEqual(
    matchPackages(openssl('3.5.1-1'), 'trixie', store).findings.map(({ cve, isExploited, epss: likelihood }) => [
      cve.slice(-4),
      isExploited,
      likelihood,
    ]),
    [
      ['3000', true, undefined],
      ['2000', false, 0.5],
      ['4000', false, 0.25],
      ['1000', false, undefined],
      ['0999', false, undefined],
    ],
  )
})

test('an image of which nothing can be said is refused, not found clean', () => {
  const image = { name: 'app', digest: digestOf('') }
  const packages = openssl('3.5.1-1')
  const debian = { id: 'debian', versionId: '13', prettyName: 'Debian', codename: 'trixie' }
  const { codename: _, ...nameless } = debian
  const inventory = { image, packages }
  assert.equal(releaseOf({ ...inventory, distribution: debian }), 'trixie')
  for (const distribution of [undefined, nameless, { ...debian, id: 'ubuntu' }]) {
    assert.throws(() => releaseOf({ ...inventory, distribution }), { code: 'MATCH_RELEASE_UNKNOWN' })
  }
  assert.throws(() => releaseOf({ ...inventory, packages: [], distribution: debian }), {
    code: 'MATCH_PACKAGES_MISSING',
  })
})

test('an announcement that is newer than the tracker’s data decides; one that they could know does not', () => {
  const list = (day: string) =>
    `[${day} 2026] DSA-7000-1 openssl - security update\n\t{${CVE}}\n\t[trixie] - openssl 3.5.7-1~deb13u3\n`
  const said = (version: string, state: object, day: string) => {
    const store = storeOf({ openssl: { [CVE]: { trixie: state } } }, { 'DSA-list': list(day) })
    const { findings, notAffected, hasFix } = matchPackages(openssl(version), 'trixie', store)
    return findings[0]?.fixedIn ?? findings[0]?.status ?? `${notAffected} not affected, ${hasFix} with the fix`
  }
  const noDsa = open({ nodsa: 'Minor issue', nodsa_reason: '' })
  const rows: [version: string, state: object, day: string, want: string, because: string][] = [
    ['3.5.1-1', open(), '22 Nov', '3.5.7-1~deb13u3', 'there is a fix now'],
    [
      '3.5.7-1~deb13u3',
      noDsa,
      '21 Nov',
      '0 not affected, 1 with the fix',
      'the tracker names announcements of its day',
    ],
    ['3.5.7-1~deb13u3', open(), '20 Nov', 'open', 'the tracker has seen it, and does not hold it for a fix'],
    ['3.5.2-1', fixedIn('3.5.2-1'), '22 Nov', '3.5.7-1~deb13u3', 'the first fix was not enough'],
    ['3.5.8-1', fixedIn('3.5.9-1'), '22 Nov', '3.5.9-1', 'a lower fix says nothing new'],
    ['3.5.1-1', fixedIn('0'), '22 Nov', '1 not affected, 0 with the fix', 'the tracker looked at the code'],
  ]
  for (const [version, state, day, want, because] of rows) assert.equal(said(version, state, day), want, because)
})
