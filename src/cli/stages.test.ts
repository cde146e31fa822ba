import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Stages } from './stages.ts'
import { openTerminal } from './terminal.ts'

test('a stage within another takes its time from the outer one', async () => {
  let now = 0
  const stages = new Stages(openTerminal(), () => now)
  const spend = async (milliseconds: number) => {
    now += milliseconds
  }
  await stages.run('solve', () => spend(1))
  await stages.run('build', async () => {
    await spend(10)
    await stages.run('fetch', () => spend(100))
    await spend(1000)
  })
  assert.deepEqual(Object.fromEntries(stages.durations), { solve: 1, build: 1010, fetch: 100 })
})

test('a stage that throws is counted, and its error passes through', async () => {
  const stages = new Stages(openTerminal())
  const broken = stages.run('solve', () => Promise.reject(new Error('no')))
  await assert.rejects(broken, /no/)
  assert.ok(stages.durations.has('solve'))
})
