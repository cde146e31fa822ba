import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatBytes, formatDuration, formatTable } from './terminal.ts'

test('columns line up, numbers to the right, and no line is wider than the terminal', () => {
  assert.deepEqual(
    formatTable(
      [
        ['libc6', '12 MB', 'asked for'],
        ['a', '1 MB', 'a long reason'],
      ],
      { width: 22, right: [1] },
    ),
    ['libc6  12 MB  asked f…', 'a       1 MB  a long …'],
  )
})

for (const [bytes, want] of [
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [999_949, '999.9 kB'],
  [999_950, '1.0 MB'],
  [12_400_000, '12.4 MB'],
] as const) {
  test(`${bytes} bytes are written ${want}`, () => assert.equal(formatBytes(bytes), want))
}

test('short times are milliseconds, long ones seconds', () => {
  assert.equal(formatDuration(85.4), '85 ms')
  assert.equal(formatDuration(4240), '4.2 s')
})
