import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { digestOf } from '#core'
import type { DebComponent, Inventory } from '#sbom'
import { compareFindings, type Finding } from '../finding.ts'
import { matchPackages } from '../match.ts'
import { matchApplications } from '../match-applications.ts'
import { osvDocument, sampleStore } from '../sample-store.test.ts'
import { formatCycloneDxVdr } from './cyclonedx-vdr.ts'
import { formatGitlab } from './gitlab.ts'
import type { ScanReport } from './report.ts'
import { formatSarif } from './sarif.ts'

const deb = (name: string, source: string, version: string): DebComponent => ({
  ...{ name, version, architecture: 'amd64', source: { name: source, version }, maintainer: '', homepage: '' },
  ...{ description: '', layer: undefined, files: [] },
})
const inventory: Inventory = {
  image: {
    ...{ name: 'app', digest: digestOf('manifest'), architecture: 'amd64', created: '2026-11-20T10:00:00Z' },
    ...{ version: '1.0', layers: [] },
  },
  distribution: { id: 'debian', versionId: '13', prettyName: 'Debian 13', codename: 'trixie' },
  packages: [deb('libssl3t64', 'openssl', '3.5.1-1'), deb('openssl', 'openssl', '3.5.1-1'), deb('bash', 'bash', '5.2')],
  applications: [
    {
      ...{ ecosystem: 'npm', name: '@a/[b](x)', version: '1.0.0', purl: 'pkg:npm/%40a/b@1.0.0', layer: undefined },
      path: '/srv/../app dir/package.json',
    },
  ],
  unowned: [],
  faults: [],
}
const cvss = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N'
const store = sampleStore({
  'export.json': {
    openssl: {
      'CVE-2026-1000': {
        description: 'a | b [link](x)\nnext',
        releases: { trixie: { status: 'resolved', fixed_version: '3.5.7-1~deb13u3', urgency: 'high**' } },
      },
    },
    bash: {
      'CVE-2026-2000': { releases: { trixie: { status: 'open', urgency: 'low', nodsa: 'Minor', nodsa_reason: '' } } },
      'CVE-2026-2001': { releases: { trixie: { status: 'open', urgency: 'unimportant' } } },
    },
  },
  'osv.json': osvDocument(
    'GHSA-aaaa-bbbb-cccc',
    {
      package: { ecosystem: 'npm', name: '@a/[b](x)' },
      ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '1.0.1' }] }],
    },
    { aliases: ['CVE-2026-3000'], severity: [{ type: 'CVSS_V3', score: cvss }] },
  ),
  'epss.csv':
    '#model_version:v2025.03.14,score_date:2026-11-20T00:00:00+0000\ncve,epss,percentile\nCVE-2026-1000,0.5,0.9\n',
})
const found: readonly Finding[] = [
  ...matchPackages(inventory.packages, 'trixie', store).findings,
  ...matchApplications(inventory.applications, store).findings,
].sort(compareFindings)
const suppression = {
  by: 'ignore-file',
  place: 'f:1',
  statement: 'not reached',
  owner: 'team',
  expires: '2027-01-01',
} as const
const report: ScanReport = {
  tool: { name: 'casemate', version: '0.1.0' },
  ...{ reference: 'oci:./out:app', inventory, release: 'trixie', notices: ['kev was never imported'] },
  findings: found.map((each) => (each.cve === 'CVE-2026-2000' ? { ...each, suppression } : each)),
  ...{ startedAt: '2026-11-21T10:00:00.000Z', endedAt: '2026-11-21T10:00:01.000Z' },
}

test('SARIF has what code scanning asks for: rules with help and a number, places in the repository, lasting fingerprints', () => {
  const { runs } = JSON.parse(formatSarif(report))
  const [{ tool, results, invocations }] = runs
  assert.equal(runs.length, 1)
  assert.deepEqual(
    tool.driver.rules.map(({ id, defaultConfiguration, properties }: Record<string, Record<string, unknown>>) => [
      ...[id, defaultConfiguration?.['level'], properties?.['security-severity']],
      properties?.['security-severity-source'],
    ]),
    [
      ['CVE-2026-1000-openssl', 'error', '7.0', 'Debian security tracker'],
      ['CVE-2026-3000-npm-@a/[b](x)', 'error', '7.5', 'GHSA-aaaa-bbbb-cccc'],
      ['CVE-2026-2000-bash', 'note', '0.1', 'Debian security tracker'],
      ['CVE-2026-2001-bash', 'note', '0.0', 'Debian security tracker'],
    ],
  )
  const [rule] = tool.driver.rules
  assert.match(rule.help.markdown, /^a \\\| b \\\[link\\\]\(x\) next$/m, 'a description is no markup')
  assert.ok(rule.help.text.includes('3.5.1-1 << 3.5.7-1~deb13u3'), 'the evidence is there')
  for (const [index, result] of results.entries()) {
    assert.equal(tool.driver.rules[result.ruleIndex].id, result.ruleId)
    const [{ physicalLocation }] = result.locations
    const { uri } = physicalLocation.artifactLocation
    assert.ok(
      new URL(uri, 'file:///repo/').href.startsWith('file:///repo/app'),
      `${index}: ${uri} stays below the root`,
    )
    assert.ok(physicalLocation.region.startLine >= 1)
    assert.match(result.partialFingerprints.primaryLocationLineHash, /^[0-9a-f]{32}:1$/)
  }
  assert.equal(results[1].message.text.includes('@a/\\[b\\](x)'), true, 'a name is no link')
  assert.deepEqual(
    results.map((result: { suppressions?: { justification: string }[] }) => result.suppressions?.[0]?.justification),
    [undefined, undefined, 'not reached', undefined],
  )
  assert.equal(invocations[0].toolExecutionNotifications[0].message.text, 'kev was never imported')
  const later = { ...report, endedAt: '2026-12-01T00:00:00.000Z', reference: 'oci:./other:app' }
  const again = JSON.parse(formatSarif(later)).runs[0].results
  assert.deepEqual(
    again.map((result: { partialFingerprints: object }) => result.partialFingerprints),
    results.map((result: { partialFingerprints: object }) => result.partialFingerprints),
  )
})

test('CycloneDX is valid by its schema, refers to its own components only, and calls nothing "not affected"', () => {
  const document = JSON.parse(formatCycloneDxVdr(report))
  const folder = import.meta.resolve('@cyclonedx/cyclonedx-library/package.json')
  const schemaOf = (name: string) =>
    JSON.parse(readFileSync(new URL(`res/schema/${name}.SNAPSHOT.schema.json`, folder), 'utf8'))
  const ajv = new Ajv({ strict: false, validateFormats: false })
  for (const name of ['spdx', 'jsf-0.82']) {
    ajv.addSchema(schemaOf(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`)
  }
  const validate: (value: unknown) => boolean = ajv.compile(schemaOf('bom-1.6'))
  assert.ok(validate(document), ajv.errorsText(Reflect.get(validate, 'errors')))
  const broken = structuredClone(document)
  broken.vulnerabilities[0].ratings[0].method = 'guess'
  assert.equal(validate(broken), false)
  const refs = new Set(document.components.map((component: { 'bom-ref': string }) => component['bom-ref']))
  for (const { affects, id } of document.vulnerabilities) {
    assert.ok(affects.length > 0 && affects.every(({ ref }: { ref: string }) => refs.has(ref)), id)
  }
  const [openssl, npm, bash] = document.vulnerabilities
  assert.deepEqual(
    [openssl.affects.length, openssl.analysis.state, openssl.analysis.response],
    [2, 'in_triage', ['update']],
  )
  assert.deepEqual(npm.ratings, [
    { source: { name: 'GHSA-aaaa-bbbb-cccc' }, score: 7.5, severity: 'high', method: 'CVSSv31', vector: cvss },
  ])
  assert.deepEqual([bash.analysis.state, bash.analysis.response], ['exploitable', ['will_not_fix']])
  assert.match(bash.analysis.detail, /^accepted, by team, until 2027-01-01: not reached \(no-dsa, /)
})

test('GitLab’s report has every field that its schema requires, and says what it leaves out', () => {
  const { version, scan, vulnerabilities } = JSON.parse(formatGitlab(report))
  assert.match(version, /^15\.[0-9]+\.[0-9]+$/)
  assert.deepEqual([scan.type, scan.status], ['container_scanning', 'success'])
  assert.match(scan.start_time, /^[0-9-]{10}T[0-9:]{8}$/)
  assert.match(scan.end_time, /^[0-9-]{10}T[0-9:]{8}$/)
  for (const { id, name, version: own, vendor } of [scan.analyzer, scan.scanner]) {
    for (const text of [id, name, own, vendor.name]) assert.ok(text.length > 0)
  }
  assert.deepEqual(
    scan.messages.map(({ value }: { value: string }) => value),
    ['kev was never imported', '1 suppressed findings are left out'],
  )
  assert.equal(new Set(vulnerabilities.map(({ id }: { id: string }) => id)).size, 3)
  for (const one of vulnerabilities) {
    assert.match(one.id, /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/)
    assert.ok(['Info', 'Unknown', 'Low', 'Medium', 'High', 'Critical'].includes(one.severity))
    assert.ok(one.identifiers.every(({ type, name, value }: Record<string, string>) => type && name && value))
    const { dependency, operating_system: system, image } = one.location
    assert.deepEqual([system, image], ['debian:13', 'oci:./out:app'])
    assert.ok(dependency.package.name && dependency.version)
  }
  assert.deepEqual(
    vulnerabilities.map(({ severity, location }: { severity: string; location: { dependency: object } }) => [
      severity,
      location.dependency,
    ]),
    [
      ['High', { package: { name: 'openssl' }, version: '3.5.1-1' }],
      ['High', { package: { name: '@a/[b](x)' }, version: '1.0.0' }],
      ['Info', { package: { name: 'bash' }, version: '5.2' }],
    ],
  )
  assert.equal(vulnerabilities[1].identifiers[1].type, 'ghsa')
})
