import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRelease } from './release.ts'

const hex = 'ab'.repeat(32)
const text = `Origin: Debian
Label: Debian
Suite: stable
Version: 13.7
Codename: trixie
Date: Sat, 12 Sep 2026 07:55:41 UTC
Valid-Until: Sat, 19 Sep 2026 7:55:41 UTC
Acquire-By-Hash: yes
No-Support-for-Architecture-all: Packages
Architectures: all amd64
MD5Sum:
 00000000000000000000000000000000 12 main/binary-amd64/Packages
SHA256:
 ${hex}       12 main/binary-amd64/Packages
`

test('a Release file gives identity, dates and files', () => {
  const release = parseRelease(text, 'InRelease')
  assert.equal(release.codename, 'trixie')
  assert.equal(release.date.toISOString(), '2026-09-12T07:55:41.000Z')
  assert.equal(release.validUntil?.toISOString(), '2026-09-19T07:55:41.000Z')
  assert.equal(release.byHash, true)
  assert.equal(release.indexesHoldAll, true)
  assert.deepEqual(
    [...release.files.values()],
    [{ path: 'main/binary-amd64/Packages', size: 12, digest: `sha256:${hex}` }],
  )
})

test('packages of architecture all stand apart where the suite has that architecture and does not say otherwise', () => {
  const apart = text.replace('No-Support-for-Architecture-all: Packages\n', '')
  assert.equal(parseRelease(apart, 'InRelease').indexesHoldAll, false)
  assert.equal(parseRelease(apart.replace('all amd64', 'amd64'), 'InRelease').indexesHoldAll, true)
})

const refused: [string | RegExp, string, string][] = [
  [/SHA256:[\s\S]*/, '', 'MD5 is no proof of anything'],
  ['SHA256:', 'SHA1:', 'SHA-1 is no proof of anything'],
  [hex, 'ab', 'a digest has 64 digits'],
  ['       12 main', ' 12 ../main', 'a path does not leave the suite'],
  ['       12 main', ' 12 /main', 'a path is not absolute'],
  ['       12 main', ' 12 main//x', 'a path has no empty components'],
  ['       12 main', ' -1 main', 'a size is not negative'],
  [/$/, ` ${'cd'.repeat(32)} 12 main/binary-amd64/Packages\n`, 'a file has one digest'],
  ['Sat, 12 Sep 2026 07:55:41 UTC', '2026-09-12', 'a date is not guessed'],
  ['07:55:41 UTC', '07:55:41 CEST', 'a time zone is not guessed'],
  [/Date: .*\n/, '', 'a state without a Date cannot be ordered'],
  ['Label:', '\nLabel:', 'a Release file is one paragraph'],
  ['Label:', 'Origin:', 'a field occurs once'],
]
for (const [from, to, because] of refused) {
  test(`"${to.trim()}" in place of "${from}" is refused: ${because}`, () => {
    assert.throws(() => parseRelease(text.replace(from, to), 'InRelease'), { code: 'SUITE_INVALID' })
  })
}
