import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOsRelease } from './os-release.ts'

test('values are read with and without quotes, and what is no assignment is passed over', () => {
  const text = `PRETTY_NAME="Debian GNU/Linux 13 (trixie)"
ID=debian
# a comment
VERSION_ID='13'
NAME="a \\"name\\" for \\$5"
not an assignment
`
  assert.deepEqual(Object.fromEntries(parseOsRelease(text)), {
    PRETTY_NAME: 'Debian GNU/Linux 13 (trixie)',
    ID: 'debian',
    VERSION_ID: '13',
    NAME: 'a "name" for $5',
  })
})
