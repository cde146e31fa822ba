import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseYaml } from './yaml-document.ts'

function valueIn(text: string): unknown {
  const document = parseYaml(text)
  assert.ok('value' in document, JSON.stringify(document))
  return document.value
}

const accepted: [string, unknown, string][] = [
  ['a: NO', { a: 'NO' }, 'YAML 1.2 has no other booleans than true and false'],
  ['a: 2029-10-31', { a: '2029-10-31' }, 'the core schema has no dates'],
  ['a: 0o755\nb: 0755', { a: 493, b: 755 }, 'octal numbers begin with 0o'],
  ['a: &x [1]\nb: *x', { a: [1], b: [1] }, 'an alias stands for what its anchor has'],
  ['a:', { a: null }, 'a key without value'],
  ['<<: {b: 1}', { '<<': { b: 1 } }, 'merge keys are YAML 1.1'],
  ['1: x', { '1': 'x' }, 'keys are text whatever they look like'],
  ['', null, 'an empty document'],
]
for (const [text, want, because] of accepted) {
  test(`${JSON.stringify(text)} is read: ${because}`, () => assert.deepEqual(valueIn(text), want))
}

const refused: [string, string, RegExp, string][] = [
  ['a: 1\nb: 2\na: 3\n', '3:1', /"a" stands here for the second time/, 'a duplicate key'],
  ['x: {a: 1, "a": 2}', '1:11', /second time/, 'a duplicate key in another notation'],
  ['a: 1\n---\nb: 2\n', '2:1', /second document/, 'two documents'],
  ['a: !!binary aaaa', '1:13', /without tags/, 'a tag'],
  ['a: !mine x', '1:4', /tag/i, "a tag of one's own"],
  ['%YAML 1.1\n---\na: NO', '1:1', /%YAML/, 'a directive that would change what words mean'],
  ['? [a]\n: 1', '1:3', /a key must be text/, 'a key that is a list'],
  ['a: *x', '1:4', /no anchor before it/, 'an alias without anchor'],
  ['a: &x [*x]', '1:8', /no anchor before it/, 'an alias within its own anchor'],
  ['a: [1', '1:6', /./, 'a list that does not end'],
  ['a:\n\t- b', '2:1', /tab/i, 'a tab as indentation'],
]
for (const [text, place, message, because] of refused) {
  test(`${JSON.stringify(text)} is refused at ${place}: ${because}`, () => {
    const faults = parseYaml(text)
    assert.ok(!('value' in faults))
    const [first] = faults
    assert.equal(`${first?.place.line}:${first?.place.column}`, place)
    assert.match(first?.message ?? '', message)
  })
}

test('a billion laughs are refused before they are unfolded', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
  for (let level = 1; level < 10; level++) {
    lines.push(
      `a${level}: &a${level} [${Array(10)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    )
  }
  const faults = parseYaml(lines.join('\n'))
  assert.ok(!('value' in faults))
  assert.match(faults[0]?.message ?? '', /more than 100000 values/)
})

for (const [name, text] of [
  ['brackets', '['.repeat(50_000)],
  ['maps', '{a: '.repeat(20_000)],
  ['dashes', '- '.repeat(50_000)],
  ['sixty levels', `${'['.repeat(60)}${']'.repeat(60)}`],
] as const) {
  test(`nesting without end is refused, made of ${name}`, () => assert.ok(!('value' in parseYaml(text))))
}

test('60,000 keys are looked through for duplicates in linear time', () => {
  const text = Array.from({ length: 60_000 }, (_, index) => `k${index}: 1`).join('\n')
  const document = parseYaml(`${text}\nk1: 2\n`)
  assert.ok(!('value' in document))
  assert.deepEqual(document, [
    { place: { line: 60_001, column: 1 }, message: 'the key "k1" stands here for the second time' },
  ])
})

test('every value can be found again in the text, through aliases too', () => {
  const document = parseYaml('top:\n  list:\n    - one\n    - &two { key: 0755 }\nagain: *two\n')
  assert.ok('value' in document)
  assert.deepEqual(document.locate(['top', 'list', 1, 'key'], 'value'), { line: 4, column: 19 })
  assert.deepEqual(document.locate(['top', 'list'], 'key'), { line: 2, column: 3 })
  assert.deepEqual(document.locate(['again', 'key'], 'value'), { line: 4, column: 19 })
  assert.deepEqual(document.locate(['top', 'missing'], 'value'), { line: 2, column: 3 })
  assert.equal(document.source(['top', 'list', 1, 'key']), '0755')
})
