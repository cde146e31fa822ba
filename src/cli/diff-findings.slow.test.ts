import assert from 'node:assert/strict'
import { test } from 'node:test'
import { casemate, casemateWith, type SampleImage, sampleLayout } from './sample-layout.test.ts'

const TRIXIE = { path: 'etc/os-release', content: 'ID=debian\nVERSION_CODENAME=trixie\n' }
const copyright = (name: string, content: string) => ({ path: `usr/share/doc/${name}/copyright`, content })
const APACHE = 'See /usr/share/common-licenses/Apache-2.0.'
const MPL = 'See /usr/share/common-licenses/MPL-2.0.'

const before: SampleImage = {
  packages: {
    'libssl3t64 3.5.1-1': [copyright('libssl3t64', APACHE)],
    'bash 5.2': [copyright('bash', MPL)],
    'oldlib 1.0': [copyright('oldlib', APACHE)],
  },
  others: [TRIXIE],
}
const after: SampleImage = {
  packages: {
    'libssl3t64 3.5.7-1~deb13u3': [copyright('libssl3t64', APACHE)],
    'bash 5.2': [copyright('bash', APACHE)],
    'newlib 1.0': [],
  },
  others: [
    TRIXIE,
    {
      path: 'app/node_modules/left-pad/package.json',
      content: '{"name":"left-pad","version":"1.3.0","license":"WTFPL"}',
    },
  ],
}

const release = (state: object) => ({ releases: { trixie: state } })
const OPEN = { status: 'open', urgency: 'low' }
const EXPORT = {
  openssl: {
    'CVE-2026-1000': release({ status: 'resolved', fixed_version: '3.5.7-1~deb13u3', urgency: 'high' }),
    'CVE-2026-1001': release(OPEN),
  },
  oldlib: { 'CVE-2026-2000': release(OPEN), 'CVE-2026-2001': release({ status: 'open', urgency: 'unimportant' }) },
  newlib: {
    'CVE-2026-3000': release({ ...OPEN, nodsa: 'A|b \u001b[31m', nodsa_reason: '' }),
    'CVE-2026-3001': release({ status: 'open', urgency: 'unimportant' }),
  },
}
const OSV = {
  ...{ schema_version: '1.6.7', id: 'GHSA-aaaa-bbbb-cccc', modified: '2026-11-01T00:00:00Z', summary: 'left' },
  affected: [{ package: { ecosystem: 'npm', name: 'left-pad' }, versions: ['1.3.0'] }],
}

test('findings are opened and closed by the same advisories, each with its reason; what both have is counted', async (t) => {
  const [from, to] = [await sampleLayout(t, before), await sampleLayout(t, after)]
  const run = casemateWith(t, { 'export.json': EXPORT, 'osv.json': OSV })
  const text = run('diff', from, to)
  assert.equal(text.status, 1, text.stderr)
  assert.match(
    text.stdout,
    /^packages: 1 upgraded, 1 added, 1 removed · findings: 2 closed, 2 opened, 1 still open · licences: 1 added, 1 removed · /,
  )
  assert.match(text.stdout, /^Findings by the advisories for trixie: tracker of [0-9-]{10}, osv of [0-9-]{10}\. /m)
  assert.match(text.stdout, / Not listed: 1 closed and 1 opened that Debian calls unimportant or ignores\.$/m)
  const lines = text.stdout.split('\n').map((line) => line.replace(/ {2,}/g, ' | ').trim())
  assert.deepEqual(lines.slice(lines.indexOf('Findings opened (2)'), lines.indexOf('Packages upgraded (1)')), [
    'Findings opened (2)',
    '| severity | issue | package | version | status | because',
    '| GHSA-aaaa-bbbb-cccc | npm:left-pad | 1.3.0 | open | the package is new',
    '| low Debian | CVE-2026-3000 | newlib | 1.0 | no-dsa: A|b | [31m | the package is new',
    '',
    'Findings closed (2)',
    '| severity | issue | package | version | because',
    '| high Debian | CVE-2026-1000 | openssl | 3.5.1-1 | the version is 3.5.7-1~deb13u3, which has the fix',
    '| low Debian | CVE-2026-2000 | oldlib | 1.0 | the package is gone',
    '',
  ])
  const { findings, withoutFindings } = JSON.parse(run('diff', from, to, '--json').stdout)
  assert.equal(withoutFindings, null)
  assert.deepEqual([findings.evidence, findings.releases], ['advisories', { from: 'trixie', to: 'trixie' }])
  assert.deepEqual(
    findings.closed.map(({ finding, cause, others }: Record<string, { cve: string }>) => [finding?.cve, cause, others]),
    [
      ['CVE-2026-1000', 'version', ['3.5.7-1~deb13u3']],
      ['CVE-2026-2000', 'presence', []],
      ['CVE-2026-2001', 'presence', []],
    ],
  )
  assert.equal(findings.closed[0].settled.evidence.comparison, '3.5.7-1~deb13u3 >= 3.5.7-1~deb13u3')
  assert.deepEqual([findings.opened.length, findings.remaining.open, findings.remaining.fixed], [3, 1, 0])
})

test('a page for a pull request has findings and licences, and nothing of an advisory breaks its tables', async (t) => {
  const [from, to] = [await sampleLayout(t, before), await sampleLayout(t, after)]
  const run = casemateWith(t, { 'export.json': EXPORT, 'osv.json': OSV })
  const { stdout } = run('diff', from, to, '--markdown')
  assert.ok(stdout.includes('### Findings opened (2)'))
  assert.ok(stdout.includes('| `low Debian` | `CVE-2026-3000` | `newlib` | `1.0` | `no-dsa: A\\|b  [31m` |'), stdout)
  assert.ok(
    stdout.includes('### Licences added (1)\n\n| licence | packages |\n| --- | --- |\n| `WTFPL` | `npm:left-pad` |'),
  )
  assert.ok(stdout.includes('| `MPL-2.0` | `Apache-2.0` | `bash` |'), stdout)
  assert.ok(stdout.includes('### Added packages whose licence is not classified (1)'))
})

test('without advisories nothing is fetched or guessed: one line says so, and an error where it was asked for', async (t) => {
  const [from, to] = [await sampleLayout(t, before), await sampleLayout(t, after)]
  const text = casemate('diff', from, to)
  assert.deepEqual([text.status, text.stderr], [1, ''])
  assert.match(
    text.stdout,
    /^Findings are not compared: no advisories of Debian's were imported \(.*--evidence archive/m,
  )
  assert.doesNotMatch(text.stdout, /CVE-|findings:/)
  const { findings, withoutFindings, licences } = JSON.parse(casemate('diff', from, to, '--json').stdout)
  assert.equal(findings, null)
  assert.match(withoutFindings, /^no advisories/)
  assert.deepEqual(licences.removed, [{ id: 'MPL-2.0', packages: ['bash'] }])
  for (const asked of [
    ['--evidence', 'advisories'],
    ['--stale', 'error'],
  ]) {
    const refused = casemate('diff', from, to, ...asked)
    assert.deepEqual([refused.status, refused.stdout], [3, ''])
    assert.match(refused.stderr, /\[ADVISORY_STORE_MISSING\]/)
  }
})

test('an image that names no release is compared but for its findings, unless these are asked for', async (t) => {
  const [from, to] = [await sampleLayout(t, before), await sampleLayout(t, { packages: after.packages })]
  const run = casemateWith(t, { 'export.json': EXPORT })
  const text = run('diff', from, to)
  assert.equal(text.status, 1)
  assert.match(text.stdout, /^Findings are not compared: cannot scan .*its os-release names no codename/m)
  assert.match(text.stderr, /^warning: osv was never imported/m)
  const refused = run('diff', from, to, '--evidence', 'advisories')
  assert.deepEqual([refused.status, refused.stdout], [3, ''])
  assert.match(refused.stderr, /\[MATCH_RELEASE_UNKNOWN\]/)
})
