import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isWhiteoutPath, normalizeArchivePath } from './path.ts'

const good: [string, string][] = [
  ['./usr/bin/x', '/usr/bin/x'],
  ['usr/bin/x', '/usr/bin/x'],
  ['./usr/', '/usr'],
  ['./', '/'],
  ['.', '/'],
  ['./usr/share/ca/Főtanúsítvány.crt', '/usr/share/ca/Főtanúsítvány.crt'],
  ['./usr/..hidden/...', '/usr/..hidden/...'],
  ['./.config', '/.config'],
]
for (const [path, want] of good) {
  test(`${JSON.stringify(path)} names ${want}`, () => assert.equal(normalizeArchivePath(path), want))
}

const bad: [string, string][] = [
  ['', 'nothing is named'],
  ['/etc/passwd', 'an absolute path is no path of an archive'],
  ['../etc/passwd', 'it leaves the root'],
  ['./usr/../../etc', 'it leaves the root in its middle'],
  ['./usr/..', 'it ends in a step up'],
  ['..', 'it is a step up'],
  ['./usr/./bin', 'an inner "." hides that two paths are one'],
  ['././usr', 'a second "." does so too'],
  ['./.', 'a "." behind the first does so too'],
  ['./usr//bin', 'an empty component does so too'],
  ['.//usr', 'an empty first component looks absolute to some'],
  ['./usr//', 'a second slash at the end is an empty component'],
  ['./a\u0000b', 'NUL ends a path for the kernel'],
  ['./a\nb', 'a newline makes two lines in dpkg’s lists'],
  ['./a\u001bb', 'an escape character plays with terminals'],
  ['./a\u0085b', 'C1 control characters do so too'],
  ['./a\ud800', 'half a surrogate pair is no text'],
  [`./${'ab/'.repeat(30_000)}c`, 'it is over 4096 bytes'],
  [`./${'ő'.repeat(2_100)}`, 'it is over 4096 bytes, though under 4096 characters'],
]
for (const [path, because] of bad) {
  test(`${JSON.stringify(path.slice(0, 30))} is refused: ${because}`, () => {
    assert.throws(() => normalizeArchivePath(path), {
      name: 'CoreError',
      code: 'PATH_INVALID',
      message: /^cannot take path "/,
    })
  })
}

test('a whiteout is found in any component, and only at its beginning', () => {
  assert.deepEqual(
    ['/.wh.bin', '/usr/.wh..wh..opq', '/.wh.d/file', '.wh.x', '/usr/x.wh.y', '/usr/.whx'].map(isWhiteoutPath),
    [true, true, true, true, false, false],
  )
})
