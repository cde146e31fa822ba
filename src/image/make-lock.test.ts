import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#core'
import { parseRequest, type Selection, solve } from '#solver'
import { type HandmadePackage, pkg, universeOf } from '#testkit'
import { parseDefinition } from './definition/parse-definition.ts'
import { resolveDefinition } from './definition/resolve-definition.ts'
import { formatLock } from './lock/format-lock.ts'
import { type Lock, layersOf, type ObservedSuite } from './lock/lock.ts'
import { parseLock } from './lock/parse-lock.ts'
import { makeLock } from './make-lock.ts'

const TEXT = 'image: app\npackages: [perl]\nlayers: { budget: 4 }\nvariants: { dev: { packages: [apt] } }'
const definition = resolveDefinition([
  { file: 'casemate.yaml', definition: parseDefinition(TEXT, 'casemate.yaml'), files: new Map() },
])

const packages = [
  pkg('perl', '5', { depends: 'perl-base, libperl, libc' }),
  pkg('perl-base', '5'),
  pkg('libperl', '5'),
  pkg('libc', '2'),
  pkg('apt', '3', { depends: 'dpkg' }),
  pkg('dpkg', '1'),
]

function select(from: readonly HandmadePackage[], names: readonly string[], base?: Selection): Selection {
  const solution = solve(universeOf(from), names.map(parseRequest), base === undefined ? {} : { base })
  if (solution.kind === 'impossible') throw new Error(solution.reasons.join())
  return solution.selection
}

function lockOf(from: readonly HandmadePackage[] = packages, previous?: Lock): Lock {
  const runtime = select(from, ['perl'])
  const variants = new Map([
    ['runtime', runtime],
    ['dev', select(from, ['apt'], runtime)],
  ])
  const selections = new Map([
    ['linux/amd64', variants],
    ['linux/arm64', variants],
  ])
  const more = previous === undefined ? {} : { previous }
  return makeLock({ definition, format: 1, selections, observed: [observed('b'), observed('a')], ...more })
}

const observed = (suite: string): ObservedSuite => ({
  ...{ archive: 'test', suite, codename: suite, suiteField: 'stable', date: '2026-01-01T00:00:00Z' },
  ...{ inRelease: digestOf(suite), signers: ['A'.repeat(40)], expired: false, stale: false },
})

test('packages stand in the order of their names, each with its layer in every variant that has it', () => {
  const rows = lockOf().platforms['linux/amd64']?.packages.map(({ name, layers }) => [name, { ...layers }])
  assert.deepEqual(rows, [
    ['apt', { dev: 0 }],
    ['dpkg', { dev: 0 }],
    ['libc', { runtime: 1, dev: 1 }],
    ['libperl', { runtime: 2, dev: 2 }],
    ['perl', { runtime: 0, dev: 0 }],
    ['perl-base', { runtime: 0, dev: 0 }],
  ])
})

test('a lock read from its text is the lock that was made: a build with it and without give one image', () => {
  const lock = lockOf()
  assert.deepEqual(parseLock(formatLock(lock), 'casemate.lock'), lock)
})

test('a lock whose lines were put into another order means the same', () => {
  const lock = lockOf()
  const lines = formatLock(lock).split('\n')
  const at = lines.findIndex((line) => line.includes('"name":"perl"'))
  const moved = lines.toSpliced(at, 1).toSpliced(at - 3, 0, lines[at] ?? '')
  assert.notEqual(moved.join('\n'), formatLock(lock))
  assert.deepEqual(parseLock(moved.join('\n'), 'casemate.lock').platforms['linux/amd64'], lock.platforms['linux/amd64'])
})

test('it holds every platform, the digest of every variant, and the observed suites in order', () => {
  const lock = lockOf()
  assert.deepEqual(Object.keys(lock.platforms), ['linux/amd64', 'linux/arm64'])
  assert.deepEqual(Object.keys(lock.definitions), ['runtime', 'dev'])
  assert.deepEqual(
    lock.observed.map(({ suite }) => suite),
    ['a', 'b'],
  )
})

test('an update leaves every package in the layer it was in', () => {
  const before = lockOf()
  const newer = packages.map((one) => (one.stanza.includes('Package: perl-base\n') ? pkg('perl-base', '6') : one))
  const after = lockOf([...newer, pkg('zlib', '1')], before)
  const places = (lock: Lock) => layersOf(lock, 'linux/amd64', 'runtime').map((layer) => layer.map(({ name }) => name))
  assert.deepEqual(places(after), places(before))
  assert.equal(after.platforms['linux/amd64']?.packages.find(({ name }) => name === 'perl-base')?.version, '6')
})
