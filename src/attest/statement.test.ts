import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseStatement } from './statement.ts'

const DIGEST = 'a'.repeat(64)
const good = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: 'app', digest: { sha256: DIGEST } }, { digest: { gitCommit: 'abc' } }],
  predicateType: 'https://openvex.dev/ns/v0.2.0',
  predicate: { anything: 1 },
}
const read = (value: object) => parseStatement(Buffer.from(JSON.stringify(value)), 'it')

test('a statement gives its subjects, and keeps one without SHA-256 as one that is not known', () => {
  const { subjects, predicateType, predicate } = read(good)
  assert.deepEqual(subjects, [{ name: 'app', digest: `sha256:${DIGEST}` }, {}])
  assert.deepEqual([predicateType, predicate], [good.predicateType, good.predicate])
  assert.equal(read({ ...good, _type: 'https://in-toto.io/Statement/v0.1' }).subjects.length, 2)
})

const bad: [change: object, fault: RegExp][] = [
  [{ _type: 'https://in-toto.io/Statement/v2' }, /_type/],
  [{ subject: [] }, /at least one subject/],
  [{ subject: [{ name: 'app' }] }, /`digest` is missing/],
  [{ subject: [{ digest: { sha256: 'ABC' } }] }, /subject\[0\]\.digest\.sha256/],
  [{ subject: [{ digest: {} }] }, /digest/],
  [{ predicateType: '' }, /predicateType/],
  [{ predicate: undefined }, /`predicate` is missing/],
]
for (const [change, fault] of bad) {
  test(`no statement: ${JSON.stringify(change)}`, () => {
    assert.throws(() => read({ ...good, ...change }), fault)
    assert.throws(() => read({ ...good, ...change }), /cannot read the statement it: /)
  })
}
