import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApplicationFinding, DebianFinding, Finding } from '../finding.ts'
import { parseIgnoreFile } from './ignore-file.ts'
import { suppressFindings } from './suppress.ts'

const facts = {
  ...{ cve: 'CVE-2026-1000', aliases: ['GHSA-a'], description: '', isExploited: false, ratings: [] },
  evidence: { origin: 'o', place: 'p' },
} as const
const debian: DebianFinding = {
  ...facts,
  status: 'open',
  ...{ kind: 'debian', source: 'openssl', sourceVersion: '3.5.1-1', packages: ['libssl3t64', 'openssl-provider'] },
}
const npm: ApplicationFinding = {
  ...facts,
  status: 'open',
  ...{ kind: 'application', ecosystem: 'npm', name: '@a/b', version: '1.0.0', purl: 'pkg:npm/%40a/b@1.0.0' },
  paths: ['/srv/x/package.json', '/srv/y/package.json'],
}

/** Whether a rule with these lines suppresses a finding on 2026-11-21. */
function suppresses(finding: Finding, ...lines: readonly string[]): boolean {
  const content = ['ignore:', '  - id: CVE-2026-1000', '    statement: why', ...lines.map((line) => `    ${line}`)]
  const rules = parseIgnoreFile(content.join('\n'), 'f')
  return suppressFindings([finding], rules, '2026-11-21').findings[0]?.suppression !== undefined
}

const rows: [Finding, string[], boolean, string][] = [
  [debian, [], true, 'a rule without package is about all of them'],
  [debian, ['package: openssl'], true, 'the source package is named'],
  [debian, ['package: libssl3t64'], false, 'one of several binary packages is not all of them'],
  [{ ...debian, packages: ['libssl3t64'] }, ['package: libssl3t64'], true, 'the only binary package is'],
  [debian, ['package: bash'], false, 'another package'],
  [debian, ['purl: pkg:deb/debian/openssl'], true, 'a purl without version'],
  [debian, ['purl: pkg:deb/debian/openssl@3.5.1-1?arch=amd64'], true, 'qualifiers say nothing'],
  [debian, ['purl: pkg:deb/debian/openssl@3.5.2-1'], false, 'another version'],
  [debian, ['purl: nonsense'], false, 'what is no purl means nothing'],
  [debian, ['paths: ["**"]'], false, 'a Debian package lies in no one path'],
  [debian, ['expires: 2026-11-22'], true, 'it still counts'],
  [debian, ['expires: 2026-11-21'], false, 'it expires today'],
  [npm, ['package: "@a/b"'], true, 'an application package by its name'],
  [npm, ['purl: pkg:npm/%40a/b'], true, 'and by its purl'],
  [npm, ['purl: pkg:pypi/b'], false, 'of another ecosystem'],
  [npm, ['paths: [srv/x/**]'], false, 'the other place counts'],
  [npm, ['paths: [srv/*/package.json]'], true, 'a star is one folder'],
  [npm, ['paths: ["*.json"]'], false, 'and no more than one'],
]
for (const [finding, lines, want, because] of rows) {
  test(`a rule ${lines.join(' ') || 'by id alone'}: ${because}`, () => {
    assert.equal(suppresses(finding, ...lines), want)
  })
}

test('a suppressed finding keeps its reason, an expired rule is told, and an alias names the issue', () => {
  const text = `ignore:
  - id: GHSA-a
    package: openssl
    statement: not reached
    owner: team
    expires: 2026-01-01
  - id: GHSA-a
    package: "@a/b"
    statement: behind a proxy
`
  const { findings, expired } = suppressFindings([debian, npm], parseIgnoreFile(text, 'f.yaml'), '2026-11-21')
  assert.deepEqual(
    findings.map(({ suppression }) => suppression),
    [undefined, { by: 'ignore-file', place: 'f.yaml:7', statement: 'behind a proxy' }],
  )
  assert.deepEqual(
    expired.map(({ place, owner }) => [place, owner]),
    [['f.yaml:2', 'team']],
  )
})

test('the file of another scanner is read in its own shape; what is not about vulnerabilities is left', () => {
  const text =
    'vulnerabilities:\n  - id: CVE-2026-1000\n    statement: ok\n    expired_at: 2027-01-01\n    purls: [pkg:deb/debian/openssl]\nsecrets:\n  - id: x\n'
  const [rule] = parseIgnoreFile(text, 'f')
  assert.deepEqual([rule?.expires, rule?.purls], ['2027-01-01', ['pkg:deb/debian/openssl']])
})

const wrong: [string, RegExp][] = [
  ['ignore:\n  - id: CVE-1\n', /^cannot read the ignore file f:2:5: ignore\[0\]: `statement` is missing$/],
  [
    'ignore:\n  - id: CVE-1\n    statement: x\n    expire: 2026-01-01\n',
    /f:4:5: ignore\[0\]: unknown key `expire`: did you mean `expires`\?$/,
  ],
  ['ignore:\n  - id: CVE-1\n    statement: x\n    expires: 2026-02-31\n', /f:4:14: .*want a day that exists$/],
  ['ignore:\n  - id: CVE-1\n    statement: x\n    expires: soon\n', /f:4:14: .*want a day as YYYY-MM-DD$/],
  ['ignored: []\n', /unknown key `ignored`: did you mean `ignore`\?/],
  ['- id: CVE-1\n', /f:1:1: found a list, want a file with `ignore`$/],
  ['ignore: [\n', /f:/],
  [`ignore: "${'x'.repeat(1 << 20)}"`, /longer than 1048576 characters$/],
]
for (const [text, message] of wrong) {
  test(`an ignore file that is wrong is refused by its line: ${text.slice(0, 60).replaceAll('\n', ' ')}`, () => {
    assert.throws(() => parseIgnoreFile(text, 'f'), { code: 'IGNORE_FILE_INVALID', message })
  })
}
