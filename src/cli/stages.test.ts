import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Stages } from './stages.ts'
import { openTerminal } from './terminal.ts'

test('a stage within another takes its time from the outer one', async () => {
  const stages = new Stages(openTerminal())
  const start = performance.now()
  await stages.run('build', async () => {
    await stages.run('fetch', () => sleep(30))
  })
  const whole = performance.now() - start
  const build = stages.durations.get('build') ?? 0
  const fetch = stages.durations.get('fetch') ?? 0
  assert.ok(fetch > build, `fetch took ${fetch}, build ${build}`)
  assert.ok(build + fetch <= whole, 'no time counts twice')
})

test('a stage that throws is counted, and its error passes through', async () => {
  const stages = new Stages(openTerminal())
  const broken = stages.run('solve', () => Promise.reject(new Error('no')))
  await assert.rejects(broken, /no/)
  assert.ok(stages.durations.has('solve'))
})
