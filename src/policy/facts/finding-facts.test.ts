import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Announcement } from '#advisory'
import type { ApplicationFinding, DebianFinding, Finding } from '#match'
import { findingFacts } from './finding-facts.ts'

const facts = {
  ...{ aliases: [], description: '', isExploited: false, ratings: [] },
  status: 'fixed',
  evidence: { origin: 'o', place: 'p' },
} as const
const debian: DebianFinding = {
  ...facts,
  ...{
    kind: 'debian',
    cve: 'CVE-2026-1',
    source: 'openssl',
    sourceVersion: '1',
    packages: ['libssl3t64'],
    fixedIn: '3',
  },
}
const npm: ApplicationFinding = {
  ...facts,
  ...{ kind: 'application', cve: 'CVE-2026-1', ecosystem: 'npm', name: 'openssl', version: '1', fixedIn: '3' },
  ...{ purl: 'pkg:npm/openssl@1', paths: ['/a'] },
}

const announcement = (date: string, more: Partial<Announcement> = {}): Announcement => ({
  ...{ id: 'DSA-1-1', date, title: '', cves: ['CVE-2026-1'], line: 1 },
  fixes: [{ release: 'trixie', source: 'openssl', version: '3' }],
  ...more,
})

const rows: [Finding, Announcement[], number | undefined, string][] = [
  [debian, [announcement('2026-11-01')], 20, 'since the announcement'],
  [debian, [announcement('2026-11-11'), announcement('2026-10-22')], 30, 'the first of several counts'],
  [debian, [], undefined, 'a fix by a point release has no announcement'],
  [debian, [announcement('2026-11-01', { cves: ['CVE-2026-2'] })], undefined, 'of another issue'],
  [
    debian,
    [announcement('2026-11-01', { fixes: [{ release: 'bookworm', source: 'openssl', version: '3' }] })],
    undefined,
    'for another release',
  ],
  [
    debian,
    [announcement('2026-11-01', { fixes: [{ release: 'trixie', source: 'openssl', word: 'not-affected' }] })],
    undefined,
    'without a fix',
  ],
  [
    { ...debian, aliases: ['CVE-2026-0'] },
    [announcement('2026-11-20', { cves: ['CVE-2026-0'] })],
    1,
    'by another name',
  ],
  [{ ...debian, cve: 'DSA-1-1' }, [announcement('2026-11-20', { cves: [] })], 1, 'an announcement without CVE'],
  [debian, [announcement('2026-11-30')], 0, 'a day that is to come'],
  [{ ...debian, status: 'open' }, [announcement('2026-11-01')], undefined, 'there is none yet'],
  [npm, [announcement('2026-11-01')], undefined, 'Debian announces nothing of applications'],
]
for (const [finding, announcements, want, because] of rows) {
  test(`a fix is ${want ?? 'unknown'} days old: ${because}`, () => {
    const advisories = { announcements: (source: string) => (source === 'openssl' ? announcements : []) }
    const now = Date.parse('2026-11-21T18:00:00Z')
    const [fact] = findingFacts([finding], { release: 'trixie', advisories, now })
    assert.equal(fact?.fix_age_days, want)
  })
}
