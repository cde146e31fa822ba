import assert from 'node:assert/strict'
import { test } from 'node:test'
import { locateIssue, namesOfIssue } from './locate-issue.ts'
import { matchPackages } from './match.ts'
import { osvDocument, sampleStore } from './sample-store.test.ts'

const DSA_LIST = `[01 Feb 2026] DSA-6000-1 openssl - security update
	{CVE-2026-1000 CVE-2026-1001}
	[trixie] - openssl 3.5.7-1
[02 Feb 2026] DSA-6001-1 bash - update without a number
	[trixie] - bash 5.3-1
`
const npm = { package: { ecosystem: 'npm', name: 'x' }, ranges: [], versions: ['1.0.0'] }
const GHSA = 'GHSA-aaaa-bbbb-cccc'
const store = sampleStore({
  'export.json': {
    openssl: {
      'CVE-2026-1000': { releases: { trixie: { status: 'resolved', fixed_version: '3.5.7-1', urgency: 'low' } } },
      'CVE-2026-1001': { releases: { trixie: { status: 'resolved', fixed_version: '0', urgency: 'low' } } },
    },
  },
  'dsa.list': DSA_LIST,
  'a.json': osvDocument(GHSA, npm, { aliases: ['CVE-2026-1000'] }),
  'b.json': osvDocument('GHSA-dddd-dddd-dddd', npm, { withdrawn: '2026-02-01T00:00:00Z' }),
})

const names: [id: string, names: string[], isKnown: boolean, because: string][] = [
  ['CVE-2026-1000', ['CVE-2026-1000'], true, 'a CVE that is also in an announcement is no other issue of it'],
  ['DSA-6000-1', ['CVE-2026-1000', 'CVE-2026-1001', 'DSA-6000-1'], true, 'an announcement is about its CVEs'],
  ['DSA-6001-1', ['DSA-6001-1'], true, 'one without CVE goes by itself'],
  [GHSA, ['CVE-2026-1000', GHSA], true, 'a document has other names'],
  ['GHSA-dddd-dddd-dddd', ['GHSA-dddd-dddd-dddd'], false, 'who withdrew a document says nothing'],
  ['CVE-2026-9999', ['CVE-2026-9999'], false, 'nobody speaks of it'],
]
for (const [id, want, isKnown, because] of names) {
  test(`${id} is looked for under all its names: ${because}`, () => {
    const found = namesOfIssue(id, store)
    assert.deepEqual([[...found.names].sort(), found.isKnown], [want.sort(), isKnown])
  })
}

test('what has the issue is told from what is known not to have it, and the rest is not of it', () => {
  const packages = [
    { name: 'openssl', source: { name: 'openssl', version: '3.5.1-1' } },
    { name: 'bash', source: { name: 'bash', version: '5.3-1' } },
  ]
  const matches = matchPackages(packages, 'trixie', store)
  const located = (id: string) => {
    const { findings, settled } = locateIssue(matches, namesOfIssue(id, store).names)
    return [findings.map(({ cve }) => cve), settled.map(({ cve, reason }) => `${cve} ${reason}`)]
  }
  assert.deepEqual(located('CVE-2026-1000'), [['CVE-2026-1000'], []])
  assert.deepEqual(located(GHSA), [['CVE-2026-1000'], []])
  assert.deepEqual(located('DSA-6000-1'), [['CVE-2026-1000'], ['CVE-2026-1001 not-affected']])
  assert.deepEqual(located('DSA-6001-1'), [[], ['DSA-6001-1 has-fix']])
})
