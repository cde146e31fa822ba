import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Recent, RecentlyMade } from './recent.ts'

test('what was not used for longest is pushed out', () => {
  const recent = new Recent<string, number>(2)
  recent.set('a', 1)
  recent.set('b', 2)
  assert.equal(recent.get('a'), 1)
  recent.set('c', 3)
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => recent.get(key)),
    [1, undefined, 3],
  )
})

test('a value is made once, and what fails is made again', async () => {
  const made = new RecentlyMade<string, number>(2)
  let count = 0
  const make = async () => {
    count++
    if (count === 1) throw new Error('not yet')
    return count
  }
  const both = await Promise.allSettled([made.provide('a', make), made.provide('a', make)])
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  assert.equal(await made.provide('a', make), 2)
  assert.equal(await made.provide('a', make), 2)
})
