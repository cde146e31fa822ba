import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Attribution, attributePackages } from './attribution.ts'

const stanza = (name: string, version: string) => `Package: ${name}\nVersion: ${version}\nArchitecture: all\n`
const base = [stanza('a', '1'), stanza('b', '1')].join('\n')
const overlay = `${base}\n${stanza('c', '1')}`

test('layers below the top of a base are its, those of bases above the lowest an overlay’s, the rest the application’s', () => {
  const attribution = new Attribution([
    { layers: 2, status: base },
    { layers: 3, status: overlay },
  ])
  assert.deepEqual(
    [0, 1, 2, 3, 9].map((place) => attribution.ofLayer(place)),
    ['base', 'base', 'overlay', 'application', 'application'],
  )
})

test('a package is of the lowest base that has the same stanza', () => {
  const attribution = new Attribution([
    { layers: 2, status: base },
    { layers: 3, status: overlay },
  ])
  const status = [stanza('a', '1'), stanza('b', '2'), stanza('c', '1'), stanza('d', '1')].join('\n')
  assert.deepEqual(
    [...attributePackages(status, attribution)],
    [
      ['a:all', 'base'],
      ['b:all', 'application'],
      ['c:all', 'overlay'],
      ['d:all', 'application'],
    ],
  )
})
