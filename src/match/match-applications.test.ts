import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApplicationComponent } from '#sbom'
import { matchApplications } from './match-applications.ts'
import { osvDocument, sampleStore } from './sample-store.test.ts'

type Ecosystem = ApplicationComponent['ecosystem']

function component(ecosystem: Ecosystem, name: string, version: string, path = '/app'): ApplicationComponent {
  return { ecosystem, name, version, purl: `pkg:x/${name}@${version}`, path, layer: undefined }
}

const range = (type: string, ...events: object[]) => ({ type, events })

/** What is said of an installed version by one document with these ranges and versions. */
function said(ecosystem: Ecosystem, installed: string, ranges: object[], versions: string[] = []) {
  const document = osvDocument('OSV-2026-1', { package: { ecosystem, name: 'x' }, ranges, versions })
  const { findings, notAffected } = matchApplications(
    [component(ecosystem, 'x', installed)],
    sampleStore({ 'a.json': document }),
  )
  assert.equal(findings.length + notAffected, 1)
  const [finding] = findings
  if (finding === undefined) return 'not affected'
  return [finding.status, finding.evidence.comparison ?? finding.note].join(': ')
}

const lines = range('SEMVER', { introduced: '1.0.0' }, { fixed: '1.5.2' }, { introduced: '2.0.0' }, { fixed: '2.1.0' })
const rows: [Ecosystem, string, object[], string[], string, string][] = [
  ['npm', '1.4.0', [lines], [], 'fixed: 1.0.0 <= 1.4.0 < 1.5.2', 'it lies in the first line'],
  ['npm', '2.1.0-rc.1', [lines], [], 'fixed: 2.0.0 <= 2.1.0-rc.1 < 2.1.0', 'a candidate lacks the fix'],
  ['npm', '1.5.2', [lines], [], 'not affected', 'the very fix'],
  ['npm', '1.9.0', [lines], [], 'not affected', 'it lies between the lines'],
  ['npm', '0.9.0', [lines], [], 'not affected', 'it is older than the issue'],
  ['npm', '0.0.1', [range('SEMVER', { introduced: '0' })], [], 'open: 0 <= 0.0.1', 'all versions, no fix'],
  [
    'npm',
    '3.0.0',
    [range('SEMVER', { fixed: '3.1.0' }, { introduced: '0' })],
    [],
    'fixed: 0 <= 3.0.0 < 3.1.0',
    'events count by version, not as they stand',
  ],
  [
    'PyPI',
    '1.2',
    [range('ECOSYSTEM', { introduced: '0' }, { last_affected: '1.2' })],
    [],
    'open: 0 <= 1.2 <= 1.2',
    'the last affected version is affected',
  ],
  [
    'PyPI',
    '1.2.post1',
    [range('ECOSYSTEM', { introduced: '0' }, { last_affected: '1.2' })],
    [],
    'not affected',
    'later',
  ],
  ['PyPI', '2.0', [range('GIT', { introduced: '0' })], ['2.0'], 'open: 2.0 is listed', 'the list counts by itself'],
  ['PyPI', '2.1', [range('GIT', { introduced: '0' })], ['2.0'], 'not affected', 'what is not listed is not meant'],
  [
    'PyPI',
    '2.1',
    [range('GIT', { introduced: '0' })],
    [],
    'undetermined: the document has ranges of commits only, or none',
    'commits are no versions',
  ],
  [
    'Go',
    '(devel)',
    [range('SEMVER', { introduced: '0' }, { fixed: '1.0.0' })],
    [],
    'undetermined: (devel) is no version of Go',
    'a build without version is not taken for safe',
  ],
  [
    'Maven',
    '2.9.10.7',
    [range('ECOSYSTEM', { introduced: '2.0.0' }, { fixed: '2.9.10.8' })],
    [],
    'fixed: 2.0.0 <= 2.9.10.7 < 2.9.10.8',
    'four numbers',
  ],
  [
    'RubyGems',
    '7.0.0.rc1',
    [range('ECOSYSTEM', { introduced: '0' }, { fixed: '7.0.0' })],
    [],
    'fixed: 0 <= 7.0.0.rc1 < 7.0.0',
    'a pre-release lacks the fix',
  ],
  [
    'npm',
    '1.0.0',
    [range('SEMVER', { introduced: 'soon' })],
    [],
    'undetermined: introduced soon is no version of npm',
    'an event that is no version is not passed over',
  ],
]
for (const [ecosystem, installed, ranges, versions, want, because] of rows) {
  test(`${ecosystem} ${installed}: ${want}, for ${because}`, () => {
    assert.equal(said(ecosystem, installed, ranges, versions), want)
  })
}

test('a GHSA and its CVE are one finding in all its places, rated by both; a withdrawn document is none', () => {
  const affected = (fixed: string[]) => ({
    package: { ecosystem: 'npm', name: 'lodash' },
    ranges: [range('SEMVER', { introduced: '0' }, ...fixed.map((version) => ({ fixed: version })))],
  })
  const cvss = (score: string, type = 'CVSS_V3') => ({ severity: [{ type, score }] })
  const store = sampleStore({
    'GHSA-a.json': osvDocument('GHSA-aaaa', affected(['4.17.21']), {
      aliases: ['CVE-2026-1000'],
      ...cvss('CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N'),
    }),
    'CVE-a.json': osvDocument('CVE-2026-1000', affected([]), {
      ...cvss('CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N', 'CVSS_V4'),
    }),
    'GHSA-b.json': osvDocument('GHSA-bbbb', affected([]), { withdrawn: '2026-11-02T00:00:00Z' }),
    'GHSA-c.json': osvDocument('GHSA-cccc', { ...affected([]), package: { ecosystem: 'PyPI', name: 'lodash' } }),
    'epss.csv':
      '#model_version:v2025.03.14,score_date:2026-11-20T00:00:00+0000\ncve,epss,percentile\nCVE-2026-1000,0.5,0.9\n',
  })
  const { findings, packages } = matchApplications(
    [
      component('npm', 'lodash', '4.17.20', '/b'),
      component('npm', 'lodash', '4.17.20', '/a'),
      component('npm', 'lodash', '4.18.0', '/c'),
    ],
    store,
  )
  assert.equal(packages, 2)
  assert.deepEqual(
    findings.map(({ cve, aliases, version, status, fixedIn, paths, epss }) => [
      ...[cve, aliases.join(), version, status, fixedIn, paths.join(), epss],
    ]),
    [
      ['CVE-2026-1000', 'GHSA-aaaa', '4.17.20', 'fixed', '4.17.21', '/a,/b', 0.5],
      ['CVE-2026-1000', 'GHSA-aaaa', '4.18.0', 'open', undefined, '/c', 0.5],
    ],
  )
  assert.deepEqual(findings[0]?.evidence, {
    origin: 'GHSA-a.json',
    place: 'GHSA-aaaa/npm/lodash',
    comparison: '0 <= 4.17.20 < 4.17.21',
  })
  assert.deepEqual(
    findings[0]?.ratings.map(({ source, method, score, severity }) => [source, method, score, severity]),
    [
      ['CVE-2026-1000', 'CVSSv4', 9.3, 'critical'],
      ['GHSA-aaaa', 'CVSSv31', 7.5, 'high'],
    ],
  )
})
