import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { sampleLayout } from './sample-layout.test.ts'

const CLI = join(import.meta.dirname, 'main.ts')
const TRIXIE = { path: 'etc/os-release', content: 'ID=debian\nVERSION_CODENAME=trixie\n' }

const EXPORT = {
  openssl: {
    'CVE-2026-1000': {
      releases: { trixie: { status: 'resolved', fixed_version: '3.5.7-1~deb13u3', urgency: 'high' } },
    },
    'CVE-2026-1001': { releases: { trixie: { status: 'resolved', fixed_version: '0', urgency: 'low' } } },
    'CVE-2026-1002': { releases: { trixie: { status: 'open', urgency: 'unimportant' } } },
  },
  bash: {
    'CVE-2026-2000': { releases: { trixie: { status: 'open', urgency: 'low', nodsa: 'Minor', nodsa_reason: '' } } },
  },
}

/** The command line with a cache of its own. */
function commandLine(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-scan-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const run = (...args: readonly string[]) =>
    spawnSync(process.execPath, ['--conditions=source', CLI, ...args], {
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1', XDG_CACHE_HOME: folder },
    })
  const scan = (...args: readonly string[]) => run('scan', ...args, '--platform', 'linux/amd64')
  return { folder, run, scan }
}

test('an image is held against an imported export: what is fixable, what waits, and what nobody speaks of', async (t) => {
  const { folder, run, scan } = commandLine(t)
  const packages = { 'libssl3t64 3.5.1-1': [], 'bash 5.2': [], 'zlib1g 1:1.3': [] }
  const image = await sampleLayout(t, { packages, others: [TRIXIE] })
  const before = scan(image, '--evidence', 'advisories')
  assert.equal(before.status, 3)
  assert.match(before.stderr, /ADVISORY_STORE_MISSING/)

  const file = join(folder, 'export.json')
  writeFileSync(file, JSON.stringify(EXPORT))
  const imported = run('advisories', 'import', file)
  assert.equal(imported.status, 0, imported.stderr)

  const found = scan(image)
  assert.equal(found.status, 0, found.stderr)
  assert.deepEqual(found.stdout.trimEnd().split('\n'), [
    '1 fixable now · 0 exploited · 1 wait for Debian · 1 minor',
    'trixie: 3 source packages; of 1 the tracker says nothing',
    'without finding: 0 issues with the fix installed, 1 not affected',
    'minor: 1 unimportant, 0 ignored, in Debian’s words',
    '',
    'Fixable now',
    'severity     issue          package  installed  fixed in',
    'high Debian  CVE-2026-1000  openssl  3.5.1-1    3.5.7-1~deb13u3',
    '',
    'Waiting for Debian',
    'worst       package  installed  issues',
    'low Debian  bash     5.2        1 no-dsa',
  ])
  assert.match(found.stderr, /^warning: kev was never imported: nothing is called exploited$/m)
  assert.match(scan(image, '--all').stdout, /^info Debian .*CVE-2026-1002 .* unimportant$/m)
  assert.doesNotMatch(scan(image, '--only-fixed').stdout, /CVE-2026-2000/)

  const rules = join(folder, 'rules.yaml')
  const rule = (id: string, expires: string) => `  - {id: ${id}, statement: not reached, expires: ${expires}}\n`
  writeFileSync(rules, `ignore:\n${rule('CVE-2026-1000', '2999-01-01')}${rule('CVE-2026-2000', '2020-01-01')}`)
  const output = join(folder, 'out.sarif')
  const ruled = scan(image, '--ignore-file', rules, '--fail-on', 'fixed', '--format', 'sarif', '-o', output)
  assert.deepEqual([ruled.status, ruled.stdout], [0, ''], ruled.stderr)
  assert.match(ruled.stderr, /rules\.yaml:3: the rule about CVE-2026-2000 expired on 2020-01-01 and suppresses nothing/)
  const [suppressed, waiting] = JSON.parse(readFileSync(output, 'utf8')).runs[0].results
  assert.deepEqual([suppressed.suppressions[0].justification, waiting.suppressions], ['not reached', undefined])

  const gated = scan(image, '--fail-on', 'fixed', '--json')
  assert.equal(gated.status, 1)
  const { schema, findings, sources, counts } = JSON.parse(gated.stdout)
  assert.deepEqual([schema, findings.length, counts.notAffected], ['casemate.scan/v1', 3, 1])
  assert.deepEqual(sources, { total: 3, withoutEntry: ['zlib1g'] })
  assert.deepEqual(findings[0].evidence, {
    origin: 'export.json',
    place: 'openssl/CVE-2026-1000/trixie',
    comparison: '3.5.1-1 << 3.5.7-1~deb13u3',
  })
})

test('a gate passes what has the fix, and an image that names no release is refused', async (t) => {
  const { folder, run, scan } = commandLine(t)
  const file = join(folder, 'export.json')
  writeFileSync(file, JSON.stringify(EXPORT))
  run('advisories', 'import', file)
  const fixed = { 'libssl3t64 3.5.7-1~deb13u3': [], 'bash 5.2': [] }
  const image = await sampleLayout(t, { packages: fixed, others: [TRIXIE] })
  assert.deepEqual([scan(image, '--fail-on', 'fixed').status, scan(image, '--fail-on', 'open').status], [0, 1])
  const nameless = scan(await sampleLayout(t, { packages: fixed }))
  assert.equal(nameless.status, 3)
  assert.match(nameless.stderr, /^cannot scan .*: its os-release names no codename.*\[MATCH_RELEASE_UNKNOWN\]/m)
})

test('missing and stale advisories are loud lines, or an error, as the setting says, and never silence', async (t) => {
  const { folder, run, scan } = commandLine(t)
  const file = join(folder, 'export.json')
  writeFileSync(file, JSON.stringify(EXPORT))
  utimesSync(file, new Date(), new Date(Date.now() - 2 * 86_400_000))
  run('advisories', 'import', file)
  const image = await sampleLayout(t, { packages: { 'bash 5.2': [] }, others: [TRIXIE] })
  assert.doesNotMatch(scan(image).stderr, /stale/)
  const warned = scan(image, '--max-age', '36h')
  assert.equal(warned.status, 0)
  assert.match(warned.stderr, /^warning: tracker is stale: its data are 2 days old, 36 hours are allowed/m)
  const refused = scan(image, '--max-age', '36h', '--stale', 'error')
  assert.deepEqual([refused.status, refused.stdout], [3, ''])
  assert.match(refused.stderr, /kev was never imported.*tracker is stale: .*\[ADVISORY_STALE\]/)
  assert.equal(run('advisories', 'status', '--max-age', '36h').status, 1)
  assert.equal(run('advisories', 'status', '--stale', 'error').status, 3)
  assert.equal(scan(image, '--max-age', 'soon').status, 2)
})
