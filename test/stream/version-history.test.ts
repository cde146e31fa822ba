import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseChangelog } from '#debian'
import { type VersionStep, versionHistory } from './version-history.ts'

const SPAN = { codename: 'trixie', number: '13', start: Date.parse('2025-08-09'), end: Date.parse('2026-04-01') }

/** `3.5.1-1 unstable 2025-07-01`, newest first. */
function changelog(...heads: readonly string[]) {
  const entries = heads.map((head) => {
    const [version, distribution, day = ''] = head.split(' ')
    const date = new Date(day).toUTCString().replace('GMT', '+0000')
    return `openssl (${version}) ${distribution}; urgency=medium\n\n  * A change.\n\n -- A Maintainer <a@example.org>  ${date}\n`
  })
  return parseChangelog(entries.join('\n'))
}

/** `DSA-1 3.5.1-1+deb13u1 2025-09-30`. */
function announced(...lines: readonly string[]): VersionStep[] {
  return lines.map((line) => {
    const [announcement = '', version = '', day = ''] = line.split(' ')
    return { announcement, version, at: Date.parse(day) }
  })
}

const histories: [string, string[], string[], string, string][] = [
  ['1.0-1', ['1.0-1 unstable 2025-02-01'], [], '1.0-1:', 'nothing happened to it'],
  [
    '1.0-1+deb13u2',
    ['1.0-1+deb13u2 trixie 2025-11-01', '1.0-1+deb13u1 trixie-security 2025-09-01', '1.0-1 unstable 2025-02-01'],
    ['DSA-1 1.0-1+deb13u1 2025-09-03'],
    '1.0-1: 1.0-1+deb13u1 2025-09-03 DSA-1, 1.0-1+deb13u2 2025-11-01',
    'an announcement tells its day better than the changelog',
  ],
  [
    '1.2-1~deb13u1',
    ['1.2-1~deb13u1 trixie-security 2026-01-10', '1.2-1 unstable 2026-01-01', '1.0-1 unstable 2025-02-01'],
    ['DSA-1 1.0-1+deb13u1 2025-09-03', 'DSA-2 1.2-1~deb13u1 2026-01-12'],
    '1.0-1: 1.0-1+deb13u1 2025-09-03 DSA-1, 1.2-1~deb13u1 2026-01-12 DSA-2',
    'a changelog that was started anew has not what the announcements have',
  ],
  [
    '1.2-1~deb13u1',
    ['1.2-1~deb13u1 trixie-security 2026-01-10', '1.2-1 unstable 2026-01-01', '1.0-1 unstable 2025-02-01'],
    [],
    'unknown: nothing tells which version it had at first',
    'and where there are none, nothing is made up',
  ],
  [
    '1.0-1+deb13u1',
    ['1.0-1+deb13u1 trixie-security 2025-08-01', '1.0-1 unstable 2025-02-01'],
    [],
    '1.0-1+deb13u1:',
    'what came before the release was in it',
  ],
  [
    '1.0-1+deb13u2',
    ['1.0-1+deb13u2 trixie 2026-05-01', '1.0-1+deb13u1 trixie 2026-02-01', '1.0-1 unstable 2025-02-01'],
    [],
    '1.0-1: 1.0-1+deb13u1 2026-02-01',
    'what came later is not of this span',
  ],
  [
    '2.0-2',
    ['2.0-2 unstable 2025-09-01', '2.0-1 unstable 2025-02-01'],
    [],
    'unknown: nothing tells which version it had at first',
    'an upload to unstable alone is no update of the release',
  ],
]
for (const [today, heads, dsas, want, because] of histories) {
  test(`${today} with ${heads.length} entries and ${dsas.length} announcements: ${because}`, () => {
    const history = versionHistory({ today, entries: changelog(...heads), announced: announced(...dsas) }, SPAN)
    const steps = history.kind === 'unknown' ? [] : history.steps
    const told = steps.map(({ version, at, announcement = '' }) =>
      `${version} ${new Date(at).toISOString().slice(0, 10)} ${announcement}`.trim(),
    )
    assert.equal(
      history.kind === 'unknown' ? `unknown: ${history.reason}` : `${history.first}: ${told.join(', ')}`.trim(),
      want,
    )
  })
}

test('without a changelog nothing is known, whatever was announced', () => {
  const history = versionHistory(
    { today: '1.0-1', entries: undefined, announced: announced('DSA-1 1.0-1+deb13u1 2025-09-03') },
    SPAN,
  )
  assert.deepEqual(history, { kind: 'unknown', reason: 'no package of it has its changelog' })
})
