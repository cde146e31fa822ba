import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchesGlob } from './glob.ts'

const cases: readonly [string, string, boolean, string][] = [
  ['*.py', 'a.py', true, 'a star is any number of characters'],
  ['*.py', 'lib/a.py', false, 'but none of them is a slash'],
  ['**/*.py', 'lib/x/a.py', true, 'two stars are any number of folders'],
  ['**/*.py', 'a.py', true, 'none among them'],
  ['lib/**', 'lib/x/y', true, 'behind a folder as well'],
  ['lib/**', 'lib', true, 'and then the folder itself'],
  ['lib/**/z', 'lib/a/b/z', true, 'or in between'],
  ['a?c', 'abc', true, 'a question mark is one character'],
  ['a?c', 'ac', false, 'not none'],
  ['?', '😀', true, 'whatever its length in UTF-16'],
  ['a', 'A', false, 'case counts'],
  ['*', '.hidden', true, 'a dot is a character like others'],
  ['[a]', '[a]', true, 'brackets mean themselves'],
  ['**/b/**/d', 'a/b/c/b/d', true, 'a later one takes over where an earlier one fails'],
  ['*a*b', 'aab', true, 'within a name too'],
  ['*a*b', 'aba', false, 'up to its end'],
]

for (const [pattern, path, want, because] of cases) {
  test(`${pattern} and ${path}: ${because}`, () => assert.equal(matchesGlob(pattern, path), want))
}

test('the time is bounded, however many stars', () => {
  const began = process.cpuUsage().user
  assert.equal(matchesGlob(`${'*a'.repeat(100)}b`, 'a'.repeat(250)), false)
  assert.equal(matchesGlob(`${'**/a/'.repeat(100)}b`, 'a/'.repeat(2000)), false)
  assert.ok(process.cpuUsage().user - began < 2_000_000)
})
