import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleElf } from '#testkit'
import { namedFiles } from './named-files.ts'

test('texts name libraries and paths; longer words, and texts that are not printable, name none', () => {
  const texts = ['libssl.so.3', 'xlibz.so.1', 'plugin.so', 'a.so.txt', '/usr/lib/engines-3', '/a b', 'libé.so']
  const { libraries, paths, runsByName } = namedFiles(sampleElf({ texts }))
  assert.deepEqual(libraries, ['libssl.so.3', 'plugin.so', 'xlibz.so.1'])
  assert.deepEqual([paths, runsByName], [['/usr/lib/engines-3'], false])
  assert.ok(namedFiles(sampleElf({ texts: ['execvp'] })).runsByName)
})
