import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changesSince, parseChangelog } from './changelog.ts'

const entry = (version: string, ...changes: readonly string[]) =>
  [
    `openssl (${version}) trixie; urgency=medium`,
    '',
    ...changes.map((change) => `  * ${change}`),
    '',
    ' -- A Maintainer <a@example.org>  Tue, 14 Oct 2025 23:06:00 +0200',
    '',
    '',
  ].join('\n')
const changelog = (...versions: readonly string[]) =>
  parseChangelog(versions.map((version) => entry(version, `Change of ${version}`)).join(''))

test('an entry has its source, version, lines and place; remarks between entries belong to none', () => {
  const text = `${entry('1:2.0-1', 'Fix CVE-2026-1000.', 'Closes: #1')}# Older entries have been removed from this changelog.\n`
  assert.deepEqual(parseChangelog(text), [
    {
      source: 'openssl',
      version: '1:2.0-1',
      distributions: ['trixie'],
      date: Date.parse('2025-10-14T21:06:00Z'),
      lines: ['* Fix CVE-2026-1000.', '* Closes: #1'],
      line: 1,
    },
  ])
  const broken = text.replace('trixie;', 'trixie-security unstable;').replace('Tue, 14 Oct 2025', 'some day')
  const [first] = parseChangelog(broken)
  assert.deepEqual([first?.distributions, first?.date], [['trixie-security', 'unstable'], undefined])
})

const cases: [installed: string, log: readonly string[], want: string, isWhole: boolean, because: string][] = [
  ['1-1', ['1-1+deb13u2', '1-1+deb13u1', '1-1'], '1-1+deb13u2 1-1+deb13u1', true, 'both updates came since'],
  ['1-1+deb13u1', ['1-1+deb13u2', '1-1+deb13u1', '1-1'], '1-1+deb13u2', true, 'the first is installed'],
  ['2-1', ['3-1~deb13u1', '3-1', '2-2', '2-1'], '3-1~deb13u1 3-1 2-2', true, 'a backport holds what it is made of'],
  ['2-1~deb13u1', ['3-1~deb13u1', '3-1', '2-1', '1-1'], '3-1~deb13u1 3-1', true, 'its own origin is installed'],
  ['2-1~deb13u1', ['2-1~deb13u2', '2-1~deb13u1', '2-1'], '2-1~deb13u2', true, 'a second backport of the same version'],
  ['2-1+deb13u1', ['3-1', '2-1', '1-1'], '3-1', true, 'the installed branch is not in it'],
  ['1-1', ['3-1', '2-1'], '3-1 2-1', false, 'older entries were cut off'],
  ['9-1', ['1:1-1', '9-1'], '1:1-1', true, 'an epoch'],
]
for (const [installed, log, want, isWhole, because] of cases) {
  test(`from ${installed} to ${log[0]}: ${want}, because ${because}`, () => {
    const changes = changesSince(changelog(...log), installed, log[0] ?? '')
    assert.deepEqual([changes?.entries.map(({ version }) => version).join(' '), changes?.isWhole], [want, isWhole])
  })
}

test('a changelog that begins with another version is about something else', () => {
  assert.equal(changesSince(changelog('2-1', '1-1'), '1-1', '3-1'), undefined)
  assert.equal(changesSince([], '1-1', '3-1'), undefined)
})
