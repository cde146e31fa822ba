import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArchive } from './archive.ts'
import { BUILT_IN_ARCHIVES, readArchives, readSuiteKeys } from './io/archive-folder.ts'

const file = `archive: acme
description: packages of our own
keys:
  own: { file: keys/acme.asc, fingerprint: 0123456789ABCDEF0123456789ABCDEF01234567 }
mirrors:
  acme: { built-in: ["https://packages.example.org/apt"] }
suites:
  - suite: stable
    mirror: acme
    components: [main]
    identity: { origin: Acme }
    signed-by: [own]
    loud-after-hours: 24
`

test('an archive file is read with the defaults that the documentation names', () => {
  const archive = parseArchive(file, 'acme.yaml')
  assert.equal(archive.name, 'acme')
  assert.equal(archive.release, undefined)
  assert.deepEqual(archive.suites, [
    {
      suite: 'stable',
      mirror: 'acme',
      components: ['main'],
      identity: { origin: 'Acme' },
      signedBy: ['own'],
      loudAfterHours: 24,
      priority: 500,
    },
  ])
})

const refused: [string, string, RegExp, string][] = [
  [
    'loud-after-hours',
    'loud-after-hour',
    /acme\.yaml:13:\d+: suites\[0\]: unknown key `loud-after-hour`.*`loud-after-hours`/,
    'a key is misspelt',
  ],
  ['signed-by: [own]', 'signed-by: [other]', /signed by "other"/, 'a key is not listed'],
  ['signed-by: [own]', 'signed-by: []', /signed-by/, 'a suite that nobody signs is not trusted'],
  ['mirror: acme', 'mirror: other', /names mirror "other"/, 'a mirror kind is not listed'],
  ['identity: { origin: Acme }', 'identity: {}', /identity/, 'one signer may have several suites'],
  ['keys/acme.asc', '../acme.asc', /file/, 'a key lies beside the archive file'],
  ['keys/acme.asc', '/etc/acme.asc', /file/, 'a key lies beside the archive file'],
  ['0123456789ABCDEF0123456789ABCDEF01234567', '01234567', /fingerprint/, 'a short key id can be forged'],
  ['https://packages.example.org', 'ftp://packages.example.org', /built-in/, 'mirrors speak http or https'],
  ['suite: stable', 'suite: ../stable', /suite/, 'a suite is no way out of the mirror'],
  ['components: [main]', 'components: []', /flat repository/, 'only a flat repository has no components'],
  ['archive: acme', 'archive: acme\narchive: acme', /acme\.yaml:2:1/, 'a key occurs once'],
  ['archive: acme', 'archive: [', /acme\.yaml:/, 'the file is YAML'],
]
for (const [from, to, message, because] of refused) {
  test(`"${to}" in place of "${from}" is refused: ${because}`, () => {
    assert.throws(() => parseArchive(file.replace(from, to), 'acme.yaml'), { code: 'ARCHIVE_INVALID', message })
  })
}

test('a flat repository ends in a slash and has no components', () => {
  const flat = file.replace('suite: stable', 'suite: ./').replace('components: [main]', 'components: []')
  assert.deepEqual(parseArchive(flat, 'acme.yaml').suites[0]?.components, [])
})

test('the archives that ship are valid, with every key that they pin', async () => {
  const archives = await readArchives([BUILT_IN_ARCHIVES])
  assert.deepEqual([...archives.keys()], ['debian-12', 'debian-13'])
  for (const built of archives.values()) {
    for (const suite of built.archive.suites) {
      const keys = await readSuiteKeys(built, suite)
      assert.equal(keys.length, suite.signedBy.length)
    }
  }
})

test('the freshness rule is of the security suites only', async () => {
  for (const { archive } of (await readArchives([BUILT_IN_ARCHIVES])).values()) {
    const loud = archive.suites.filter(({ loudAfterHours }) => loudAfterHours !== undefined)
    assert.deepEqual(
      loud.map(({ suite, loudAfterHours }) => [suite, loudAfterHours]),
      [[`${archive.release?.codename}-security`, 72]],
    )
  }
})
