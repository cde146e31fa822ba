import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ContentsSearch } from './contents.ts'

const text = `bin/busybox\tutils/busybox
usr/bin/my bin/python3 here   misc/odd
usr/bin/python3                                     python/python3-minimal
usr/lib/x/bin/python3    python/other,contrib/devel/third
usr/bin/python3.13   python/python3.13-minimal`

const search = (wanted: string, piece = text.length) => {
  const found = new ContentsSearch(wanted)
  for (let at = 0; at < text.length; at += piece) found.push(Buffer.from(text.slice(at, at + piece)))
  found.end()
  return found.matches
}

test('the last components of a path find every path that ends in them', () => {
  assert.deepEqual(search('bin/python3'), [
    { path: '/usr/bin/python3', packages: ['python3-minimal'] },
    { path: '/usr/lib/x/bin/python3', packages: ['other', 'third'] },
  ])
})

test('an absolute path finds itself only', () => {
  assert.deepEqual(search('/usr/bin/python3.13'), [{ path: '/usr/bin/python3.13', packages: ['python3.13-minimal'] }])
  assert.deepEqual(search('/bin/python3'), [])
})

test('pieces of any size give the same matches', () => {
  for (const piece of [1, 7, 64]) assert.deepEqual(search('python3', piece), search('python3'))
})

test('nothing is found for nothing', () => {
  assert.deepEqual(search('/'), [])
})
