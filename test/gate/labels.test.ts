import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isLower } from './order.ts'
import { LABELS, readTriples, TRAPS } from './triple.ts'

const triples = readTriples()

test('there are at least 300 labels, each once, and every word is among them', () => {
  assert.ok(triples.length >= 300, `${triples.length}`)
  const keys = triples.map(({ release, source, version, binary, issue }) => [release, source, version, binary, issue])
  assert.equal(new Set(keys.map(String)).size, triples.length)
  assert.deepEqual([...new Set(triples.map(({ label }) => label))].sort(), [...LABELS].sort())
})

for (const trap of TRAPS) {
  test(`at least five labels stand in the trap ${trap}`, () => {
    const caught = triples.filter(({ traps }) => traps.includes(trap))
    assert.ok(caught.length >= 5, `${caught.length}`)
  })
}

test('every label quotes one line that names its issue, its fix or its word, and says where that line is', () => {
  for (const triple of triples) {
    const { quote, from, issue, source, fixedIn = issue, label } = triple
    assert.doesNotMatch(quote, /[\n\r]/)
    assert.match(from, /^[^/].*:\d+$/, JSON.stringify(triple))
    const words = [issue, fixedIn, label, 'unfixed', 'removed', 'unimportant', `- ${source} `]
    assert.ok(
      words.some((word) => quote.includes(word)),
      JSON.stringify(triple),
    )
  }
})

test('versions stand to the named fix as dpkg orders them', () => {
  for (const { version, fixedIn, label, source } of triples.filter((each) => each.fixedIn !== undefined)) {
    assert.equal(isLower(version, fixedIn ?? ''), label === 'fixed', `${source} ${version} ${fixedIn} ${label}`)
  }
})

test('labels are made without what they judge', () => {
  const judged = /^(?:gate|labels|measure)/
  const own = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.ts') && !judged.test(name))
  assert.ok(own.includes('label.ts') && own.includes('order.ts'))
  for (const name of own) {
    const text = readFileSync(join(import.meta.dirname, name), 'utf8')
    assert.doesNotMatch(text, /from '(?:#|\.\.\/|\.\/(?:gate|measure))/, name)
  }
})

test('the README counts what there is', () => {
  const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8')
  for (const key of [...TRAPS, ...LABELS.map((label) => `\`${label}\``)]) {
    const count = triples.filter(({ traps, label }) => [...traps, `\`${label}\``].some((each) => each === key)).length
    assert.ok(readme.includes(`| ${key} | ${count} |`), `${key} ${count}`)
  }
})
