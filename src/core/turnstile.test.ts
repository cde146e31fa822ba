import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Turnstile } from './turnstile.ts'

test('no more than so many are through at a time, also after one failed', async () => {
  const turnstile = new Turnstile(2)
  let inside = 0
  let most = 0
  const work = async (fails: boolean) => {
    most = Math.max(most, ++inside)
    await new Promise((resolve) => setImmediate(resolve))
    inside--
    if (fails) throw new Error('no')
  }
  const results = await Promise.allSettled(
    [true, false, true, false, false].map((fails) => turnstile.pass(() => work(fails))),
  )
  assert.equal(most, 2)
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  )
})
