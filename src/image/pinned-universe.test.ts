import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRequest, solve } from '#solver'
import { pkg, universeOf } from '#testkit'
import { parseDefinition } from './definition/parse-definition.ts'
import { resolveDefinition } from './definition/resolve-definition.ts'
import { makeLock } from './make-lock.ts'
import { pinnedVersions, pinUniverse } from './pinned-universe.ts'

const old = [pkg('app', '1', { depends: 'lib (>= 1)' }), pkg('lib', '1.0')]
const now = universeOf([...old, pkg('app', '2', { depends: 'lib (>= 2)' }), pkg('lib', '2.0'), pkg('lib', '1.5')])

const locked = () => {
  const definition = resolveDefinition([
    {
      file: 'casemate.yaml',
      definition: parseDefinition('image: app\npackages: [app]', 'casemate.yaml'),
      files: new Map(),
    },
  ])
  const solution = solve(universeOf(old), [parseRequest('app')])
  if (solution.kind === 'impossible') throw new Error('impossible')
  const selections = new Map([['linux/amd64', new Map([['runtime', solution.selection]])]])
  return makeLock({ definition, format: 1, selections, observed: [] })
}

/** What is selected when all but `anew` stay as locked, with the pins given. */
function selected(anew: readonly string[], universe = now): string[] {
  const pins = pinnedVersions(locked(), new Set(anew)).get('linux/amd64') ?? new Map<string, string>()
  const solution = solve(pinUniverse(universe, pins), [parseRequest('app')])
  if (solution.kind === 'impossible') throw new Error(solution.reasons.join())
  return solution.selection.packages.map(({ name, version }) => `${name} ${version}`)
}

const rows: [string, readonly string[], readonly string[]][] = [
  ['what is locked stays while newer versions are there', [], ['app 1', 'lib 1.0']],
  ['one package moves on, the others stay', ['lib'], ['app 1', 'lib 2.0']],
  ['a package moves on with what its new version needs', ['app'], ['app 2', 'lib 2.0']],
  ['all move on', ['app', 'lib'], ['app 2', 'lib 2.0']],
]
for (const [name, anew, want] of rows) test(name, () => assert.deepEqual(selected(anew), want))

test('a locked version that the archive no longer has is not made up: the package moves on', () => {
  const without = universeOf([pkg('app', '1', { depends: 'lib (>= 1)' }), pkg('lib', '1.5'), pkg('lib', '1.2')])
  assert.deepEqual(selected([], without), ['app 1', 'lib 1.5'])
})

test('everything else of the universe stays as it is', () => {
  const pinned = pinUniverse(now, new Map([['lib:amd64', '1.5']]))
  assert.deepEqual(
    pinned.versions('lib').map(({ version }) => version),
    ['1.5', '2.0', '1.0'],
  )
  assert.deepEqual([...pinned.names()], [...now.names()])
  assert.equal(pinned.versions('app'), now.versions('app'))
})
