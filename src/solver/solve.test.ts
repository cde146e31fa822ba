import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRequest, type Selection, type SolveOptions, SolverError, solve } from '#solver'
import { type HandmadePackage, pkg, universeOf } from '#testkit'

function selectFrom(
  packages: readonly HandmadePackage[],
  ask: readonly string[],
  options: SolveOptions = {},
): Selection {
  const solution = solve(universeOf(packages), ask.map(parseRequest), options)
  assert.equal(solution.kind, 'selected', JSON.stringify(solution))
  return solution.selection
}

function labels(selection: Selection): string[] {
  return selection.packages.map((one) => `${one.name}=${one.version}`)
}

function reasons(
  packages: readonly HandmadePackage[],
  ask: readonly string[],
  options: SolveOptions = {},
): readonly string[] {
  const solution = solve(universeOf(packages), ask.map(parseRequest), options)
  assert.equal(solution.kind, 'impossible', 'there must be no answer')
  return solution.reasons
}

test('a version that is no candidate is found when the candidate leads nowhere', () => {
  const packages = [
    pkg('app', '1', { depends: 'aa, lib' }),
    pkg('aa', '1', { breaks: 'lib (>= 2)' }),
    pkg('lib', '2'),
    pkg('lib', '1'),
  ]
  assert.deepEqual(labels(selectFrom(packages, ['app'])), ['aa=1', 'app=1', 'lib=1'])
})

test('an early choice is taken back when a late need excludes it', () => {
  const packages = [
    pkg('app', '1', { depends: 'aa | bb, cc' }),
    pkg('aa', '1'),
    pkg('bb', '1'),
    pkg('cc', '1', { depends: 'dd' }),
    pkg('dd', '1', { conflicts: 'aa' }),
  ]
  assert.deepEqual(labels(selectFrom(packages, ['app'])), ['app=1', 'bb=1', 'cc=1', 'dd=1'])
})

test('every operator of a request restricts the version', () => {
  const packages = ['1', '2', '3'].map((version) => pkg('app', version))
  const chosen = (request: string) => labels(selectFrom(packages, [request])).join()
  assert.deepEqual(['app<<2', 'app<=2', 'app=2', 'app>=2', 'app>>2'].map(chosen), [
    'app=1',
    'app=2',
    'app=2',
    'app=3',
    'app=3',
  ])
})

test('two requests for one name must both hold', () => {
  const packages = ['1', '2', '3'].map((version) => pkg('app', version))
  assert.deepEqual(labels(selectFrom(packages, ['app>=2', 'app<<3'])), ['app=2'])
})

test('the order of the requests does not matter', () => {
  const packages = [
    pkg('aa', '1', { depends: 'xx | yy' }),
    pkg('bb', '1', { depends: 'yy | zz' }),
    pkg('cc', '1', { depends: 'zz | xx' }),
    pkg('xx', '1', { conflicts: 'zz' }),
    pkg('yy', '1'),
    pkg('zz', '1'),
  ]
  const ask = ['aa', 'bb', 'cc']
  const orders = [ask, ask.toReversed(), ['bb', 'aa', 'cc', 'bb']].map((order) => selectFrom(packages, order))
  for (const one of orders)
    assert.deepEqual(
      one.packages.map(({ name }) => name),
      orders[0]?.packages.map(({ name }) => name),
    )
  assert.deepEqual(orders[2]?.requests, orders[0]?.requests)
})

const QUESTIONS = [
  pkg('app', '1', { depends: 'debconf | debconf-2.0, adduser (>= 3), awk' }),
  pkg('debconf', '1', { provides: 'debconf-2.0', depends: 'perl' }),
  pkg('cdebconf', '1', { provides: 'debconf-2.0' }),
  pkg('adduser', '2', { depends: 'passwd' }),
  pkg('mawk', '1', { provides: 'awk' }),
  pkg('gawk', '1', { provides: 'awk', priority: 'required' }),
  pkg('passwd', '1'),
  pkg('perl', '1'),
]
const WITHOUT = [
  { name: 'mawk', reason: 'nothing runs scripts' },
  { name: 'debconf', reason: 'nothing asks questions' },
  { name: 'adduser', reason: 'accounts are an effect' },
  { name: 'vim', reason: 'nobody edits' },
]

test('what is left out counts as met with all it provides, in any version, and is not followed', () => {
  const selection = selectFrom(QUESTIONS, ['app'], { without: WITHOUT })
  assert.deepEqual(labels(selection), ['app=1'])
  assert.deepEqual(
    selection.leftOut.map(({ name, neededBy }) => `${name}: ${neededBy.join()}`),
    ['adduser: app', 'debconf: app', 'mawk: app', 'vim: '],
  )
})

test('what is left out cannot be asked for', () => {
  assert.deepEqual(reasons(QUESTIONS, ['app', 'debconf'], { without: WITHOUT }), [
    'debconf is asked for and left out (nothing asks questions)',
  ])
})

test('a variant is a superset of its base in the same versions', () => {
  const packages = [
    pkg('run', '1', { depends: 'lib, debconf' }),
    pkg('debconf', '1'),
    pkg('lib', '1'),
    pkg('lib', '2'),
    pkg('dev', '1', { depends: 'lib | other' }),
    pkg('strict', '1', { depends: 'lib (>= 2)' }),
  ]
  const without = [{ name: 'debconf', reason: 'nothing asks questions' }]
  const base = selectFrom(packages, ['run', 'lib=1'], { without })
  assert.deepEqual(labels(base), ['lib=1', 'run=1'])
  assert.deepEqual(labels(selectFrom(packages, ['dev'], { base })), ['debconf=1', 'dev=1', 'lib=1', 'run=1'])
  assert.deepEqual(reasons(packages, ['strict'], { base }), ['strict selects lib 2, the base selection holds lib 1'])
  assert.deepEqual(reasons(packages, [], { base, without: [{ name: 'lib', reason: 'small' }] }), [
    'lib is in the base selection and left out (small)',
  ])
})

test('a base from a lock that the universe no longer offers stays as it is', () => {
  const base = selectFrom([pkg('run', '1', { depends: 'lib' }), pkg('lib', '1')], ['run'])
  const moved = [pkg('run', '2', { depends: 'lib' }), pkg('lib', '2'), pkg('dev', '1', { depends: 'lib' })]
  assert.deepEqual(labels(selectFrom(moved, ['dev', 'run'], { base })), ['dev=1', 'lib=1', 'run=1'])
})

test('Recommends that exclude something needed are given up', () => {
  const packages = [
    pkg('app', '1', { depends: 'aa', recommends: 'bb, cc' }),
    pkg('aa', '1', { conflicts: 'bb' }),
    pkg('bb', '1'),
    pkg('cc', '1'),
  ]
  assert.deepEqual(labels(selectFrom(packages, ['app'], { recommends: true })), ['aa=1', 'app=1', 'cc=1'])
  assert.deepEqual(labels(selectFrom(packages, ['app'])), ['aa=1', 'app=1'])
})

test('thousands of alternatives that all lead nowhere end in an answer', () => {
  const names = Array.from({ length: 3000 }, (_, index) => `alt${index}`)
  const packages = [
    pkg('app', '1', { depends: `${names.join(' | ')} | last, virtual` }),
    ...names.map((name) => pkg(name, '1', { depends: 'gone', provides: 'virtual' })),
    pkg('last', '1', { provides: 'virtual' }),
  ]
  assert.deepEqual(labels(selectFrom(packages, ['app'])), ['app=1', 'last=1'])
})

test('a chain of ten thousand packages in a cycle is followed to its end', () => {
  const packages = Array.from({ length: 10_000 }, (_, index) =>
    pkg(`link${index}`, '1', { depends: `link${(index + 1) % 10_000}` }),
  )
  assert.equal(selectFrom(packages, ['link0']).packages.length, 10_000)
})

test('a universe made to be searched without end is given up with SOLVER_LIMIT', () => {
  // Twelve pigeons, eleven holes: no resolution proof of polynomial size exists (Haken, 1985).
  const holes = Array.from({ length: 11 }, (_, index) => index)
  const pigeons = [...holes, 11]
  const packages = [
    pkg('app', '1', { depends: pigeons.map((pigeon) => `pigeon${pigeon}`).join(', ') }),
    ...pigeons.map((pigeon) =>
      pkg(`pigeon${pigeon}`, '1', { depends: holes.map((hole) => `place${pigeon}-${hole}`).join(' | ') }),
    ),
    ...pigeons.flatMap((pigeon) =>
      holes.map((hole) => pkg(`place${pigeon}-${hole}`, '1', { provides: `hole${hole}`, conflicts: `hole${hole}` })),
    ),
  ]
  assert.throws(
    () => solve(universeOf(packages), [parseRequest('app')], { stepLimit: 200_000 }),
    (error) => error instanceof SolverError && error.code === 'SOLVER_LIMIT',
  )
})
