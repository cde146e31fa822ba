import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placeFaults, reportFaults } from './fault-report.ts'
import { faultsOf, type Shape } from './shape.ts'
import { parseYaml } from './yaml-document.ts'

const shape: Shape = { type: 'object', additionalProperties: { type: 'integer' }, required: ['z'] }

function report(text: string): string {
  const document = parseYaml(text)
  assert.ok('value' in document)
  const faults = faultsOf(shape, document.value)
  return reportFaults('cannot read thing', 't.yaml', placeFaults(faults, document), faults.length)
}

test('one fault stands on one line with its place', () => {
  assert.equal(report('z: 1\na: x\n'), 'cannot read thing t.yaml:2:4: a: found "x", want an integer')
})

test('several faults are listed in the order of the text', () => {
  assert.equal(
    report('a: x\nb: y\n'),
    [
      'cannot read thing t.yaml: 3 faults',
      't.yaml:1:1: `z` is missing',
      't.yaml:1:4: a: found "x", want an integer',
      't.yaml:2:4: b: found "y", want an integer',
    ].join('\n  '),
  )
})

test('of very many faults twenty are shown, and all are counted', () => {
  const lines = report(Array.from({ length: 10_000 }, (_, index) => `k${index}: x\n`).join('')).split('\n')
  assert.equal(lines[0], 'cannot read thing t.yaml: 10001 faults')
  assert.equal(lines.length, 22)
  assert.equal(lines.at(-1), '  and 9981 more')
})
