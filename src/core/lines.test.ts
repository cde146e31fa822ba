import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readLines } from './lines.ts'

async function linesOf(chunks: readonly string[], maxBytes = 8): Promise<string[]> {
  const bytes = (async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk)
  })()
  const limit = { maxBytes, tooLong: (line: number) => new Error(`line ${line} is too long`) }
  return (await Array.fromAsync(readLines(bytes, limit))).map((line) => Buffer.from(line).toString())
}

const cases: [readonly string[], readonly string[], string][] = [
  [[], [], 'nothing has no line'],
  [['a\nb\n'], ['a\n', 'b\n'], 'a line has its line feed'],
  [['a\n', '', 'b'], ['a\n', 'b'], 'the last one may lack it'],
  [['a', 'b', '\n\n', 'c'], ['ab\n', '\n', 'c'], 'chunks may end anywhere'],
]
for (const [chunks, lines, because] of cases) {
  test(`${JSON.stringify(chunks)}: ${because}`, async () => assert.deepEqual(await linesOf(chunks), lines))
}

test('a line that is too long is named, whether it ends or not', async () => {
  assert.deepEqual(await linesOf(['1234567\n']), ['1234567\n'])
  await assert.rejects(linesOf(['a\n12345678\n']), /line 2 is too long/)
  await assert.rejects(linesOf(['a\nb\n1234', '56789']), /line 3 is too long/)
})
