import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Changes, changesSince, parseChangelog } from '#debian'
import { type PackageFields, pkg, universeOf } from '#testkit'
import { type ArchiveUpdate, archiveUpdates, matchUpdates } from './archive-updates.ts'

const SECURITY = new Set(['trixie-security'])
const nobody = { exploited: () => undefined, prediction: () => undefined, osvAbout: () => [] }
const installed = (name: string, source: string, version: string) => ({ name, source: { name: source, version } })

function universe(...packages: readonly [name: string, version: string, fields: PackageFields][]) {
  return universeOf(packages.map(([name, version, fields]) => pkg(name, version, fields)))
}

function changelog(...entries: readonly [version: string, text: string][]): string {
  return entries
    .map(
      ([version, text]) => `openssl (${version}) trixie; urgency=high\n\n  * ${text}\n\n -- A <a@example.org>  now\n\n`,
    )
    .join('')
}

function changesOf(text: string) {
  return ({ installed: from, version }: ArchiveUpdate): Changes | string =>
    changesSince(parseChangelog(text), from, version) ?? 'no changelog'
}

const offered = universe(
  ['libssl3t64', '3.5.1-1+b1', { source: 'openssl (3.5.1-1)', suite: 'trixie' }],
  ['libssl3t64', '3.5.6-1~deb13u1', { source: 'openssl', suite: 'trixie-security' }],
  ['bash', '5.2-2', { suite: 'trixie' }],
)

test('a newer source is an update, a rebuild is none, and what the archive does not have is named', () => {
  const packages = [
    installed('libssl3t64', 'openssl', '3.5.1-1'),
    installed('bash', 'bash', '5.2-2'),
    installed('ours', 'ours', '1'),
  ]
  const { updates, unknown, sources } = archiveUpdates(packages, offered, SECURITY)
  assert.deepEqual(
    updates.map(({ source, version, suite, isSecurity }) => [source, version, suite, isSecurity]),
    [['openssl', '3.5.6-1~deb13u1', 'trixie-security', true]],
  )
  assert.deepEqual([unknown, sources], [['ours'], ['bash', 'openssl', 'ours']])
})

test('each CVE of the entries in between is a finding, fixed in the version of the archive, with entry and suite', () => {
  const updates = archiveUpdates([installed('libssl3t64', 'openssl', '3.5.1-1')], offered, SECURITY)
  const text = changelog(
    ['3.5.6-1~deb13u1', 'Upload to trixie-security (CVE-2026-0002).'],
    ['3.5.6-1', 'New release: CVE-2026-0001, CVE-2026-0002, not CVE-26-1'],
    ['3.5.1-1', 'Old: CVE-2025-0009'],
  )
  const { findings, silent } = matchUpdates(updates, changesOf(text), nobody)
  assert.deepEqual(
    findings.map(({ cve, status, fixedIn, evidence, note }) => [cve, status, fixedIn, evidence.place, note]),
    [
      ['CVE-2026-0001', 'fixed', '3.5.6-1~deb13u1', 'changelog of openssl 3.5.6-1', undefined],
      ['CVE-2026-0002', 'fixed', '3.5.6-1~deb13u1', 'changelog of openssl 3.5.6-1~deb13u1', undefined],
    ],
  )
  assert.deepEqual(findings[0]?.evidence.origin, 'trixie-security')
  assert.equal(findings[0]?.evidence.comparison, '3.5.1-1 << 3.5.6-1~deb13u1')
  assert.deepEqual(silent, ['openssl'], 'the tracker says nothing of it')
})

test('a security update without CVE is listed as such, one of a point release is not, and a cut changelog is said', () => {
  const updates = archiveUpdates([installed('libssl3t64', 'openssl', '3.5.1-1')], offered, SECURITY)
  const plain = changelog(['3.5.6-1~deb13u1', 'New release'], ['3.5.1-1', 'Old'])
  const [finding, ...others] = matchUpdates(updates, changesOf(plain), nobody).findings
  assert.deepEqual([finding?.cve, others], ['trixie-security/openssl/3.5.6-1~deb13u1', []])
  const cut = matchUpdates(updates, changesOf(changelog(['3.5.6-1~deb13u1', 'CVE-2026-0001'])), nobody).findings
  assert.match(cut[0]?.note ?? '', /does not go back to the installed version/)
  const unread = matchUpdates(updates, () => 'its changelog was not read', nobody).findings
  assert.deepEqual([unread.length, unread[0]?.note], [1, 'its changelog was not read'])
  const point = archiveUpdates([installed('bash', 'bash', '5.2-1')], offered, SECURITY)
  assert.equal(point.updates.length, 1)
  assert.deepEqual(matchUpdates(point, () => ({ entries: [], isWhole: true, before: [] }), nobody).findings, [])
})

test('a CVE that the installed version has the fix of is settled, unless that fix was not whole', () => {
  const updates = archiveUpdates([installed('libssl3t64', 'openssl', '3.5.1-1')], offered, SECURITY)
  const text = changelog(
    ['3.5.6-1~deb13u1', 'New release, with CVE-2025-0001, CVE-2025-0002, CVE-2026-0003'],
    ['3.5.6-1', 'Complete the fix of CVE-2025-0002'],
    ['3.5.1-1', 'Backport the fixes of CVE-2025-0001 and -0002'],
  )
  const { findings, settled, hasFix } = matchUpdates(updates, changesOf(text), nobody)
  assert.deepEqual(
    findings.map(({ cve }) => cve),
    ['CVE-2025-0002', 'CVE-2026-0003'],
  )
  assert.deepEqual(
    settled.map(({ cve, reason, evidence }) => [cve, reason, evidence.place]),
    [['CVE-2025-0001', 'has-fix', 'changelog of openssl 3.5.1-1']],
  )
  assert.equal(hasFix, 1)
})

test('numbers behind a CVE are others of its year', () => {
  const updates = archiveUpdates([installed('libssl3t64', 'openssl', '3.5.1-1')], offered, SECURITY)
  const lines = 'CVE-2025-49794, -49795 and -49796: fixed in -9999; CVE-2024-1111/-1112 - 2023, CVE-2023-5 -77777'
  const { findings } = matchUpdates(
    updates,
    changesOf(changelog(['3.5.6-1~deb13u1', lines], ['3.5.1-1', 'Old'])),
    nobody,
  )
  assert.deepEqual(
    findings.map(({ cve }) => cve),
    ['CVE-2024-1111', 'CVE-2024-1112', 'CVE-2025-49794', 'CVE-2025-49795', 'CVE-2025-49796'],
  )
})
