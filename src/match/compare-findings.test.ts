import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AdvisoryStore } from '#advisory'
import type { ApplicationComponent } from '#sbom'
import { compareIssues, type FindingChange, type ImageIssues } from './compare-findings.ts'
import { subjectOf } from './finding.ts'
import { matchPackages } from './match.ts'
import { matchApplications } from './match-applications.ts'
import { osvDocument, sampleStore } from './sample-store.test.ts'

const fixedIn = (version: string) => ({ status: 'resolved', fixed_version: version, urgency: 'low' })
const OPEN = { status: 'open', urgency: 'low' }
const debian = sampleStore({
  'export.json': {
    openssl: {
      'CVE-2026-1000': { releases: { trixie: fixedIn('3.5.7-1'), bookworm: fixedIn('0') } },
      'CVE-2026-1001': { releases: { trixie: OPEN, bookworm: OPEN } },
    },
    curl: { 'CVE-2026-1000': { releases: { trixie: fixedIn('8.15-2') } } },
  },
})

/** An image of source packages, `openssl 3.5.1-1`, each with one binary package. */
function image(store: AdvisoryStore, sources: readonly string[], release = 'trixie'): ImageIssues {
  const packages = sources.map((text) => {
    const [name = '', version = ''] = text.split(' ')
    return { name: `lib${name}`, source: { name, version } }
  })
  const { findings, settled } = matchPackages(packages, release, store)
  return { findings, settled, packages, applications: [] }
}

function line({ finding, cause, others, settled }: FindingChange): string {
  const { name, version } = subjectOf(finding)
  const why = settled === undefined ? [] : [settled.reason]
  return [finding.cve.slice('CVE-2026-'.length), name, version, cause, ...others, ...why].join(' ')
}

function lines(from: ImageIssues, to: ImageIssues) {
  const { opened, closed, remaining } = compareIssues(from, to)
  return { opened: opened.map(line), closed: closed.map(line), remaining: remaining.map(({ cve }) => cve.slice(-4)) }
}

const rows: [because: string, from: string[], to: string[], want: ReturnType<typeof lines>][] = [
  [
    'an update that has the fix closes an issue, with the comparison that says so; what has no fix remains',
    ['openssl 3.5.1-1'],
    ['openssl 3.5.10-1'],
    { opened: [], closed: ['1000 openssl 3.5.1-1 version 3.5.10-1 has-fix'], remaining: ['1001'] },
  ],
  [
    'an update that lacks the fix leaves the issue as it is',
    ['openssl 3.5.1-1'],
    ['openssl 3.5.2-1'],
    { opened: [], closed: [], remaining: ['1000', '1001'] },
  ],
  [
    'a package that goes takes its issues along, and a CVE stays open in the other source that has it',
    ['openssl 3.5.1-1', 'curl 8.15-1'],
    ['openssl 3.5.1-1'],
    { opened: [], closed: ['1000 curl 8.15-1 presence'], remaining: ['1000', '1001'] },
  ],
  [
    'a package that comes brings its issues, and an older version opens again what was fixed',
    ['openssl 3.5.7-1'],
    ['openssl 3.5.1-1', 'curl 8.15-1'],
    {
      opened: ['1000 curl 8.15-1 presence', '1000 openssl 3.5.1-1 version 3.5.7-1 has-fix'],
      closed: [],
      remaining: ['1001'],
    },
  ],
  [
    'a package in two versions has an issue once, and has it while one of them does',
    ['openssl 3.5.1-1', 'openssl 3.5.2-1'],
    ['openssl 3.5.2-1', 'openssl 3.5.7-1'],
    { opened: [], closed: [], remaining: ['1000', '1001'] },
  ],
]
for (const [because, from, to, want] of rows) {
  test(because, () => assert.deepEqual(lines(image(debian, from), image(debian, to)), want))
}

test('the same version in another release can have other issues', () => {
  const [from, to] = [image(debian, ['openssl 3.5.1-1']), image(debian, ['openssl 3.5.1-1'], 'bookworm')]
  const want = ['1000 openssl 3.5.1-1 release 3.5.1-1 not-affected']
  assert.deepEqual(lines(from, to), { opened: [], closed: want, remaining: ['1001'] })
})

test('an image and itself share every finding', () => {
  const one = image(debian, ['openssl 3.5.1-1', 'curl 8.15-1'])
  assert.deepEqual(lines(one, one), { opened: [], closed: [], remaining: ['1000', '1000', '1001'] })
})

test('an issue of an application is one issue, whichever of its documents leads, and packages go by ecosystem', () => {
  const affected = (ecosystem: string, last: string) => ({
    package: { ecosystem, name: 'x' },
    ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: last }] }],
  })
  const store = sampleStore({
    'a.json': osvDocument('GHSA-aaaa-aaaa-aaaa', affected('PyPI', '2.0')),
    'b.json': osvDocument('PYSEC-2026-1', affected('PyPI', '3.0'), { aliases: ['GHSA-aaaa-aaaa-aaaa'] }),
    'c.json': osvDocument('GHSA-cccc-cccc-cccc', affected('npm', '9.0.0')),
  })
  const apps = (...list: [ApplicationComponent['ecosystem'], string][]): ImageIssues => {
    const applications = list.map(([ecosystem, version]) => {
      return { ecosystem, name: 'x', version, purl: `pkg:x/x@${version}`, path: `/${version}`, layer: undefined }
    })
    return { findings: matchApplications(applications, store).findings, settled: [], packages: [], applications }
  }
  const [old, newer, fixed] = [apps(['PyPI', '1.0']), apps(['PyPI', '2.5']), apps(['PyPI', '3.0'], ['npm', '1.0.0'])]
  assert.notEqual(old.findings[0]?.cve, newer.findings[0]?.cve)
  assert.deepEqual([compareIssues(old, newer).opened, compareIssues(old, newer).closed], [[], []])
  const { opened, closed } = compareIssues(newer, fixed)
  assert.deepEqual(
    closed.map(({ cause, others }) => [cause, others]),
    [['version', ['3.0']]],
  )
  assert.deepEqual(
    opened.map(({ finding, cause }) => [finding.cve, cause]),
    [['GHSA-cccc-cccc-cccc', 'presence']],
  )
})
