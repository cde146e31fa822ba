import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type InstalledPackage, parseBinaryPackage, parseStanza } from '#debian'
import { type HandmadePackage, pkg, universeOf } from '#testkit'
import { PatchError } from './errors.ts'
import { planUpgrade } from './upgrade-plan.ts'

const installed = (...packages: readonly HandmadePackage[]): InstalledPackage[] =>
  packages.map(({ stanza }) => ({
    ...parseBinaryPackage(parseStanza(stanza, 'test')),
    ...{ maintainer: '', homepage: '', paths: [] },
  }))

const nothing = { held: new Set<string>() }

/** `name version` of what becomes newer, and of what does not with the reason. */
function plan(
  before: readonly HandmadePackage[],
  offered: readonly HandmadePackage[],
  wish: Parameters<typeof planUpgrade>[2] = nothing,
) {
  const { upgrades, keptBack } = planUpgrade(installed(...before), universeOf(offered), wish)
  return {
    upgrades: upgrades.map(({ candidate }) => `${candidate.name} ${candidate.version}`),
    kept: keptBack.map(({ name, candidate, reason }) => `${name} ${candidate}: ${reason}`),
  }
}

test('everything that is newer is taken, and nothing that is not', () => {
  const before = [pkg('aa', '1'), pkg('bb', '2'), pkg('cc', '1')]
  assert.deepEqual(plan(before, [pkg('aa', '2'), pkg('bb', '1'), pkg('dd', '9')]), { upgrades: ['aa 2'], kept: [] })
})

test('another architecture’s package is not the same, and one of none may take its place', () => {
  const before = [pkg('aa', '1'), pkg('bb', '1', { architecture: 'all' })]
  const offered = [pkg('aa', '2', { architecture: 'arm64' }), pkg('bb', '2')]
  assert.deepEqual(plan(before, offered), { upgrades: ['bb 2'], kept: [] })
})

test('what would need a package that is not there keeps its version, and what goes with it', () => {
  const before = [pkg('lib', '1'), pkg('tool', '1', { depends: 'lib (= 1)' }), pkg('other', '1')]
  const offered = [pkg('lib', '2', { depends: 'fresh' }), pkg('tool', '2', { depends: 'lib (= 2)' }), pkg('other', '2')]
  assert.deepEqual(plan(before, offered), {
    upgrades: ['other 2'],
    kept: ['lib 2: it needs fresh', 'tool 2: it needs lib (= 2)'],
  })
})

test('what would break a package that has no newer version keeps its own', () => {
  const before = [pkg('lib', '1'), pkg('tool', '1', { depends: 'lib (<< 2)' })]
  assert.deepEqual(plan(before, [pkg('lib', '2')]), { upgrades: [], kept: ['lib 2: tool 1: it needs lib (<< 2)'] })
  const broken = plan([pkg('lib', '1'), pkg('tool', '1')], [pkg('lib', '2', { breaks: 'tool (<< 2)' })])
  assert.deepEqual(broken.kept, ['lib 2: it does not go with tool (<< 2), which tool 1 is'])
})

test('what is provided counts, with its version where one is asked for', () => {
  const before = [pkg('old', '1', { provides: 'mail (= 1)' }), pkg('tool', '1', { depends: 'mail (>= 1)' })]
  assert.deepEqual(plan(before, [pkg('old', '2', { provides: 'mail (= 2)' })]).upgrades, ['old 2'])
  assert.deepEqual(plan(before, [pkg('old', '2', { provides: 'mail' })]).upgrades, [])
})

test('of a choice of packages, those that must go along do', () => {
  const before = [
    pkg('ssl', '1', { source: 'openssl' }),
    pkg('cli', '1', { source: 'openssl', depends: 'ssl (= 1)' }),
    pkg('zz', '1'),
  ]
  const offered = [
    pkg('ssl', '2', { source: 'openssl' }),
    pkg('cli', '2', { source: 'openssl', depends: 'ssl (= 2)' }),
    pkg('zz', '2'),
  ]
  assert.deepEqual(plan(before, offered, { ...nothing, only: ['ssl'] }).upgrades, ['ssl 2', 'cli 2'])
  assert.deepEqual(plan(before, offered, { ...nothing, only: ['openssl'] }).upgrades, ['ssl 2', 'cli 2'])
  assert.deepEqual(plan(before, offered, { ...nothing, only: ['zz'] }).upgrades, ['zz 2'])
})

test('what is on hold stays, and what was asked for and cannot be is an error', () => {
  const before = [pkg('aa', '1'), pkg('bb', '1')]
  const held = new Set(['aa:amd64'])
  assert.deepEqual(plan(before, [pkg('aa', '2'), pkg('bb', '2')], { held }), {
    upgrades: ['bb 2'],
    kept: ['aa 2: it is on hold'],
  })
  const refused = (only: string, message: RegExp) =>
    assert.throws(
      () => plan(before, [pkg('aa', '2')], { held, only: [only] }),
      (error: unknown) =>
        error instanceof PatchError && error.code === 'PATCH_IMPOSSIBLE' && message.test(error.message),
    )
  refused('aa', /^cannot bring aa to 2: it is on hold$/)
  refused('missing', /^cannot patch missing: the image does not have it$/)
})

test('what was broken before is not held against anything', () => {
  const before = [pkg('aa', '1', { depends: 'gone' }), pkg('bb', '1')]
  assert.deepEqual(plan(before, [pkg('bb', '2')]).upgrades, ['bb 2'])
})
