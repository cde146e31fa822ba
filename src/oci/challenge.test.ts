import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseChallenges } from './challenge.ts'

const read = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)])

test('the challenge of Docker Hub is read', () => {
  const header =
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a:pull,push"'
  assert.deepEqual(read(header), [
    [
      'bearer',
      { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'repository:a:pull,push' },
    ],
  ])
})

test('several challenges, escapes, plain values and any case of names are read', () => {
  assert.deepEqual(read('Negotiate, BASIC Realm="a \\"b\\", c" , Bearer realm=x,SERVICE="y"'), [
    ['negotiate', {}],
    ['basic', { realm: 'a "b", c' }],
    ['bearer', { realm: 'x', service: 'y' }],
  ])
})

test('what cannot be read ends the list', () => {
  assert.deepEqual(read('Basic realm="open'), [['basic', {}]])
  assert.deepEqual(read(''), [])
})
