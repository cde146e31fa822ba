import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchesGlob } from './glob.ts'

const rows: readonly [string, string, boolean][] = [
  ['/usr/share/doc/*', '/usr/share/doc/one/copyright', true],
  ['/usr/share/doc/*/copyright', '/usr/share/doc/a/b/copyright', true],
  ['/usr/share/man/??/*', '/usr/share/man/de/man1/x', true],
  ['/usr/share/man/??/*', '/usr/share/man/man1/x', false],
  ['*.mo', '/usr/share/locale/de/LC_MESSAGES/x.mo', true],
  ['/a[bc]d', '/abd', true],
  ['/a[!bc]d', '/abd', false],
  ['/a[b-d]e', '/ace', true],
  ['/a[', '/a[', true],
  ['/a\\*', '/a*', true],
  ['/a\\*', '/ab', false],
  ['', '', true],
  ['*', '', true],
  ['/a', '/ab', false],
]

test('patterns match as fnmatch(3) has it', () => {
  for (const [pattern, path, want] of rows) assert.equal(matchesGlob(pattern, path), want, `${pattern} ${path}`)
})

test('a pattern that is made to take long does not', { timeout: 5000 }, () => {
  assert.equal(matchesGlob(`${'*a'.repeat(400)}b`, 'a'.repeat(4000)), false)
})
