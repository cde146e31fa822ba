import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killUp } from './up-kills.ts'

test('a factory of one process that is killed again and again ends every run with a word, and loses and doubles nothing', async (t) => {
  const { faults, failed, runs, releases } = await killUp(t, 3)
  assert.deepEqual(faults, [])
  assert.deepEqual(failed, [])
  assert.ok(runs > 0 && releases >= 3, `${runs} runs, ${releases} releases`)
})
