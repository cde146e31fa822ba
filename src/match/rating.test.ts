import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchPackages } from './match.ts'
import { cvssRating, leadingRating } from './rating.ts'
import { osvDocument, sampleStore } from './sample-store.test.ts'

const vectors: [type: string, vector: string, method: string, score: number | undefined, severity: string][] = [
  // Heartbleed, in FIRST's own examples of version 3.1 and of version 2.
  ['CVSS_V3', 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N', 'CVSSv31', 7.5, 'high'],
  ['CVSS_V2', 'AV:N/AC:L/Au:N/C:P/I:N/A:N', 'CVSSv2', 5, 'medium'],
  ['CVSS_V3', 'CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H', 'CVSSv3', 10, 'critical'],
  ['CVSS_V4', 'CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N', 'CVSSv4', 9.3, 'critical'],
  ['CVSS_V3', 'CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N', 'CVSSv31', 0, 'none'],
  ['CVSS_V3', 'CVSS:3.1/AV:N/AC:L', 'other', undefined, 'unknown'],
  ['CVSS_V3', 'garbage', 'other', undefined, 'unknown'],
  ['CVSS_V3', `CVSS:3.1/${'AV:N/'.repeat(1000)}`, 'other', undefined, 'unknown'],
  ['Ubuntu', 'medium', 'other', undefined, 'unknown'],
]
for (const [type, vector, method, score, severity] of vectors) {
  test(`${vector.slice(0, 70)} is ${severity}`, () => {
    const rating = cvssRating('GHSA-a', { type, score: vector })
    assert.deepEqual([rating.method, rating.score, rating.severity], [method, score, severity])
  })
}

test('a finding of Debian has the scores of documents about its CVE and the tracker’s urgency, each by its name', () => {
  const severity = [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N' }]
  const store = sampleStore({
    'export.json': {
      openssl: {
        'CVE-2026-1000': { releases: { trixie: { status: 'open', urgency: 'low**' } } },
        'CVE-2026-2000': { releases: { trixie: { status: 'open', urgency: 'not yet assigned' } } },
      },
    },
    'a.json': osvDocument(
      'BIT-openssl-2026-1000',
      { package: { ecosystem: 'Bitnami', name: 'openssl' }, severity, ranges: [] },
      { aliases: ['CVE-2026-1000'] },
    ),
    'b.json': osvDocument(
      'GHSA-many',
      { package: { ecosystem: 'npm', name: 'z' }, ranges: [] },
      { aliases: ['CVE-2026-1000', 'CVE-2026-9999'] },
    ),
  })
  const packages = [{ name: 'libssl3t64', source: { name: 'openssl', version: '3.5.1-1' } }]
  const [rated, unrated] = matchPackages(packages, 'trixie', store).findings
  assert.deepEqual(rated?.ratings, [
    {
      ...{ source: 'BIT-openssl-2026-1000', method: 'CVSSv31', severity: 'high', score: 7.5 },
      basis: severity[0]?.score,
    },
    { source: 'Debian security tracker', method: 'other', severity: 'low', basis: 'low**' },
  ])
  assert.deepEqual(rated?.aliases, ['BIT-openssl-2026-1000'], 'a document about several CVEs is no alias of one')
  assert.deepEqual([unrated?.ratings, leadingRating(unrated?.ratings ?? [])], [[], undefined])
  assert.equal(leadingRating(rated?.ratings ?? [])?.score, 7.5)
})
