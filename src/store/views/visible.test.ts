import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchesNamePattern } from '#core'
import { TEST_SERVERS, testServers } from '#testkit'
import { patternExpressions } from './visible.ts'

const servers = testServers()

const patterns = [
  'base',
  'team-a/*',
  'team-a/**',
  '*',
  'te*m',
  '**/app',
  'a.b',
  'a+b',
  'a|b',
  '(a)',
  '[a]',
  '^a$',
  'a\\b',
  'a{2}',
  'ü*',
]
const names = [
  ...patterns,
  'team-a',
  'team-a/',
  'team-a/x',
  'team-a/x/y',
  'x/app',
  'x/y/app',
  'axb',
  'aab',
  'aa',
  'a',
  '',
  'a\nb',
  'über',
]

for (const server of TEST_SERVERS) {
  test(`a pattern means the same names to the database as to us, ${server}`, async (t) => {
    const { database } = await servers.store(t, server)
    const ours = patterns.flatMap((pattern) =>
      names.filter((name) => matchesNamePattern(pattern, name)).map((name) => [pattern, name]),
    )
    const theirs: string[][] = []
    for (const pattern of patterns) {
      const rows = await database.query<{ name: string }>(
        'match names',
        'select name from unnest($2::text[]) with ordinality as n (name, at) where name ~ any ($1) order by at',
        [patternExpressions([pattern]), names],
      )
      theirs.push(...rows.map(({ name }) => [pattern, name]))
    }
    assert.deepEqual(theirs, ours)
    assert.ok(ours.length > patterns.length)
  })
}

test('all names are no condition, and no pattern is no name', () => {
  assert.equal(patternExpressions(['a', '**']), null)
  assert.deepEqual(patternExpressions([]), [])
})
