import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Literals } from './literals.ts'

function foundIn(texts: readonly string[], text: string): [string, number][] {
  const found: [string, number][] = []
  new Literals(texts).find(Buffer.from(text, 'latin1'), (place, end) => found.push([texts[place] ?? '', end]))
  return found
}

const rows: [string[], string, [string, number][], string][] = [
  [['ghp_'], 'x GHP_y', [['ghp_', 6]], 'capitals are letters'],
  [
    ['she', 'he', 'hers'],
    'ushers',
    [
      ['she', 4],
      ['he', 4],
      ['hers', 6],
    ],
    'one ends in another, and begins a third',
  ],
  [
    ['aa'],
    'aaaa',
    [
      ['aa', 2],
      ['aa', 3],
      ['aa', 4],
    ],
    'each place counts',
  ],
  [['abcd', 'bc'], 'abcx', [['bc', 3]], 'what breaks off may have held another'],
  [['[a'], '{a [A', [['[a', 5]], 'what is no letter has no other case'],
  [['ä'], 'Ä', [], 'nor has what is not ASCII'],
]
for (const [texts, text, want, because] of rows) {
  test(`${texts.join(', ')} in ${text}: ${because}`, () => assert.deepEqual(foundIn(texts, text), want))
}

test('what is found in texts made by chance is what indexOf finds', () => {
  let seed = 7
  const next = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return Math.floor(seed / 65536) % below
  }
  for (let round = 0; round < 200; round++) {
    const word = (length: number) => Array.from({ length }, () => 'abA-'[next(4)]).join('')
    const texts = [...new Set(Array.from({ length: 1 + next(6) }, () => word(1 + next(4)).toLowerCase()))]
    const text = word(60)
    const want = texts.flatMap((one) =>
      Array.from({ length: 60 }, (_, at) => at).flatMap((at): [string, number][] =>
        text.toLowerCase().startsWith(one, at) ? [[one, at + one.length]] : [],
      ),
    )
    assert.deepEqual(foundIn(texts, text).sort(), want.sort(), text)
  }
})
