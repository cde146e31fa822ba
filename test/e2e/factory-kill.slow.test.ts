import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killFactory } from './factory-kills.ts'

test('a factory whose workers, database and registry are killed ends every run with a word, and loses and doubles nothing', async (t) => {
  const { faults, failed, runs, releases } = await killFactory(t, 10)
  assert.deepEqual(faults, [])
  assert.deepEqual(failed, [])
  assert.ok(runs > 0 && releases >= 6, `${runs} runs, ${releases} releases`)
})
