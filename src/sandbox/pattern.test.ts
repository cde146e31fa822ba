import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatPattern, isFoundIn, type Pattern, readLinePattern, readPattern } from './pattern.ts'

const checked = (read: ReturnType<typeof readPattern>): Pattern => {
  assert.ok('pattern' in read, JSON.stringify(read))
  return read.pattern
}

const found: [string, string, boolean, string][] = [
  ['^b$', 'a\nb\nc', false, 'without lines, ^ and $ are the ends of the text'],
  ['(?m)^b$', 'a\nb\nc', true, 'flags are written in the pattern, as in Go'],
  ['a.b', 'a\nb', false, 'a dot is no newline'],
  ['(?s)a.b', 'a\nb', true, 'unless the pattern says so'],
  ['^.$', '\u{1F600}', true, 'a dot is a whole character'],
  ['(?i)HELLO', 'say hello', true, 'case can be left aside'],
  ['\\d{4}-\\d{2}', 'on 2026-11', true, 'classes and counts'],
  ['\\Qa.b\\E', 'axb', false, 'a quoted text is that text'],
  ['[[:upper:]]{2}', 'aBCd', true, 'POSIX classes'],
]
for (const [pattern, text, want, because] of found) {
  test(`${pattern} in ${JSON.stringify(text)}: ${because}`, () => {
    assert.equal(isFoundIn(text, checked(readPattern(pattern))), want)
  })
}

test('a pattern of lines finds each line, and is shown as it was written', () => {
  const pattern = checked(readLinePattern('^b$'))
  assert.equal(isFoundIn('a\nb\nc', pattern), true)
  assert.equal(formatPattern(pattern), '/^b$/')
})

const refused: [string, RegExp, string][] = [
  ['(', /missing closing \)/, 'it is not closed'],
  ['(?=a)b', /no lookaround: give a list of patterns/, 'RE2 has no lookaround'],
  ['(?<!a)b', /no lookaround/, 'nor does it look back'],
  ['a[^]b', /write \(\?s:\.\)/, "JavaScript's any character"],
  ['(a)\\1', /no back references/, 'RE2 cannot refer back'],
  ['(a{1000}){1000}', /invalid repeat count/, 'a million repetitions'],
  [
    '(\\b|a)[ab]{0,900}c|(\\b|a)[ab]{0,900}d',
    /too large: [0-9]+ steps compiled/,
    'a pattern that is large once compiled',
  ],
  ['a'.repeat(5000), /at most 2000 characters/, 'a long one'],
]
for (const [pattern, want, because] of refused) {
  test(`the pattern ${pattern.slice(0, 40)} is refused: ${because}`, () => {
    const read = readPattern(pattern)
    assert.match('fault' in read ? read.fault : '', want)
  })
}

const slow: [string, string][] = [
  ['^(a+)+$', `${'a'.repeat(1 << 20)}!`],
  ['(x+x+)+y', 'x'.repeat(1 << 20)],
  ['(a|aa){1,100}$b|(\\b.*){20}zz', 'a'.repeat(1 << 20)],
  ['a[ab]{0,240}c|a[ab]{0,241}d', `cd ${'ab'.repeat(1 << 19)}`],
  ['[ab]*a[ab]{450}\\b[ab]*a[ab]{450}c', `c ${'ab'.repeat(1 << 19)}`],
]
for (const [pattern, text] of slow) {
  test(`${pattern} is searched for in a MiB within the time of a few reads, where backtracking would not end`, () => {
    const began = performance.now()
    assert.equal(isFoundIn(text, checked(readPattern(pattern))), false)
    // A hundred times what it takes on an idle machine.
    assert.ok(performance.now() - began < 10_000)
  })
}
