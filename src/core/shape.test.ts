import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultsOf, formatFault, formatPath, type Shape } from './shape.ts'

test('a way through a document is written with dots and positions', () => {
  assert.equal(formatPath(['variants', 'dev', 'packages', 2]), 'variants.dev.packages[2]')
})

test('of several alternatives the one of the same type tells what is wrong', () => {
  const shape: Shape = { title: 'a or b', anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] }
  assert.deepEqual(faultsOf(shape, ['a', null]), [{ path: [1], at: 'value', message: 'found nothing, want text' }])
  assert.deepEqual(faultsOf(shape, 3), [{ path: [], at: 'value', message: 'found 3, want a or b' }])
})

const one = { type: 'object', title: 'one key', minProperties: 1, maxProperties: 1 } as const satisfies Shape
const rules: [Shape, unknown, string | undefined, string][] = [
  [one, { a: 1 }, undefined, 'one key is neither too few nor too many'],
  [one, {}, 'found no keys, want one key', 'none is too few'],
  [one, { a: 1, b: 2 }, 'found keys with values, want one key', 'two are too many'],
  [{ type: 'string', minLength: 1 }, '', 'found "", want text', 'a text may not be empty'],
  [{ type: 'boolean', const: true }, true, undefined, 'it is what it has to be'],
  [{ type: 'boolean', const: true }, false, 'found false, want true', 'one of the two values is allowed'],
  [{ type: 'null' }, null, undefined, "nothing is Go's empty list"],
  [{ type: 'null' }, 0, 'found 0, want nothing', 'zero is something'],
]
for (const [shape, value, want, because] of rules) {
  test(`${JSON.stringify(value)} against ${JSON.stringify(shape)}: ${because}`, () => {
    assert.equal(faultsOf(shape, value)[0]?.message, want)
  })
}

test('a fault names its place; one in a key, the place that the key is in', () => {
  assert.equal(formatFault({ path: ['a', 1], at: 'value', message: 'wrong' }), 'a[1]: wrong')
  assert.equal(formatFault({ path: ['a', 'b'], at: 'key', message: 'wrong' }), 'a: wrong')
  assert.equal(formatFault({ path: [], at: 'value', message: 'wrong' }), 'wrong')
})
