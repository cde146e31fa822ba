import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRequest, solve } from '#solver'
import { type HandmadePackage, pkg, universeOf } from '#testkit'

const cases: [string, HandmadePackage[], string[], string[]][] = [
  [
    'two packages want different versions of a third',
    [
      pkg('curl', '8', { depends: 'libssl3t64 (= 3.5.1-1)' }),
      pkg('nginx', '1', { depends: 'libssl3t64 (>= 3.5.2)' }),
      ...['3.5.1-1', '3.5.2-1', '3.5.3-1'].map((version) => pkg('libssl3t64', version)),
    ],
    ['curl', 'nginx'],
    ['curl selects libssl3t64 3.5.1-1, nginx needs (>= 3.5.2)'],
  ],
  [
    'a version asked for excludes what another package needs',
    [pkg('app', '1', { depends: 'lib (>= 2)' }), pkg('lib', '2'), pkg('lib', '1')],
    ['app', 'lib=1'],
    ['lib 1 is asked for, app needs (>= 2)'],
  ],
  [
    'the way to a need that nothing meets is told step by step',
    [
      pkg('app', '1', { depends: 'mid, other' }),
      pkg('mid', '1', { depends: 'lib (>= 3)' }),
      pkg('lib', '2'),
      pkg('other', '1'),
    ],
    ['app'],
    ['app 1 needs mid', 'mid 1 needs lib (>= 3), but only lib 2 (test) is offered'],
  ],
  [
    'all alternatives fail, each for its own reason',
    [
      pkg('app', '1', { depends: 'aa | bb' }),
      pkg('aa', '1', { depends: 'gone' }),
      pkg('bb', '2', { depends: 'lib (>= 2)' }),
      pkg('lib', '1'),
    ],
    ['app'],
    [
      'app 1 needs aa | bb, which only aa 1 or bb 2 can meet',
      'aa 1 needs gone, but no package has or provides that name',
      'bb 2 needs lib (>= 2), but only lib 1 (test) is offered',
    ],
  ],
  [
    'of two ways to fail the shorter one is told',
    [
      pkg('app', '1', { depends: 'long1, short' }),
      pkg('long1', '1', { depends: 'long2' }),
      pkg('long2', '1', { depends: 'long3' }),
      pkg('long3', '1', { depends: 'gone' }),
      pkg('short', '1', { depends: 'gone' }),
    ],
    ['app'],
    ['app 1 needs short', 'short 1 needs gone, but no package has or provides that name'],
  ],
  [
    'versions that fail alike are told at once',
    [pkg('app', '1', { depends: 'gone' }), pkg('app', '2', { depends: 'gone' })],
    ['app'],
    ['app 1 or 2 needs gone, but no package has or provides that name'],
  ],
  [
    'a package breaks another',
    [pkg('app', '1', { depends: 'aa, bb' }), pkg('aa', '1', { breaks: 'bb (<< 3)' }), pkg('bb', '2')],
    ['app'],
    ['app 1 needs aa', 'app 1 needs bb', 'aa 1 breaks bb (<< 3), which bb 2 is'],
  ],
  [
    'a conflict with a provided name says who provides it',
    [pkg('aa', '1', { conflicts: 'mta' }), pkg('bb', '2', { provides: 'mta' })],
    ['aa', 'bb'],
    ['aa 1 conflicts with mta, which bb 2 provides'],
  ],
  [
    'a name that nobody bears: the nearest ones are named',
    [pkg('nginx', '1'), pkg('nginx-common', '1')],
    ['ngnix'],
    ['ngnix is asked for, but there is no such package (did you mean nginx?)'],
  ],
  [
    'a library that was renamed: its new name is named',
    [pkg('app', '1', { depends: 'libfoo1' }), pkg('libfoo1t64', '1')],
    ['app'],
    ['app 1 needs libfoo1, but no package has or provides that name (did you mean libfoo1t64?)'],
  ],
  [
    'a version that is not offered',
    [pkg('app', '1'), pkg('app', '1.5', { suite: 'updates' })],
    ['app>=2'],
    ['app>=2 is asked for, but only app 1.5 (updates) or app 1 (test) is offered'],
  ],
  [
    'a virtual name: those who provide it are named',
    [pkg('exim', '1', { provides: 'mta' }), pkg('postfix', '1', { provides: 'mta' })],
    ['mta'],
    ['mta is asked for, but no package has that name; exim, postfix provide it'],
  ],
]
for (const [because, packages, ask, want] of cases) {
  test(because, () => {
    assert.deepEqual(solve(universeOf(packages), ask.map(parseRequest)), { kind: 'impossible', reasons: want })
  })
}

test('thousands of reasons are cut short', () => {
  const names = Array.from({ length: 2000 }, (_, index) => `alt${index}`)
  const packages = [
    pkg('app', '1', { depends: names.join(' | ') }),
    ...names.map((name) => pkg(name, '1', { depends: `gone-${name}` })),
  ]
  const solution = solve(universeOf(packages), [parseRequest('app')])
  assert.equal(solution.kind, 'impossible')
  assert.equal(solution.reasons.length, 31)
  assert.equal(solution.reasons.at(-1), 'and 1971 more of this kind')
})
