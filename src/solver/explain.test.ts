import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainPackage, parseRequest, solve } from '#solver'
import { pkg, universeOf } from '#testkit'

const packages = [
  pkg('app', '1', { depends: 'mid, python:any', preDepends: 'libc' }),
  pkg('mid', '1', { depends: 'gone | far' }),
  pkg('far', '1', { depends: 'libc, awk' }),
  pkg('mawk', '1', { provides: 'awk', depends: 'libm' }),
  pkg('libm', '1'),
  pkg('libc', '1'),
  pkg('python', '3', { multiArch: 'allowed' }),
  pkg('tool', '1', { depends: 'libm' }),
]

function chain(ask: readonly string[], name: string): string[] | undefined {
  const solution = solve(universeOf(packages), ask.map(parseRequest))
  assert.equal(solution.kind, 'selected')
  const links = explainPackage(solution.selection, name)
  return links?.map(({ package: one, field, relation }) => (field ? `${field}: ${relation} -> ${one.name}` : one.name))
}

test('a package that was asked for explains itself', () => {
  assert.deepEqual(chain(['app'], 'app'), ['app'])
})

test('a chain leads from the request to the package, with fields and whole relations', () => {
  assert.deepEqual(chain(['app'], 'libm'), [
    'app',
    'Depends: mid -> mid',
    'Depends: gone | far -> far',
    'Depends: awk -> mawk',
    'Depends: libm -> libm',
  ])
})

test('the shortest chain is given', () => {
  assert.deepEqual(chain(['app'], 'libc'), ['app', 'Pre-Depends: libc -> libc'])
  assert.deepEqual(chain(['app', 'tool'], 'libm'), ['tool', 'Depends: libm -> libm'])
})

test('a relation with an architecture qualifier is followed', () => {
  assert.deepEqual(chain(['app'], 'python'), ['app', 'Depends: python:any -> python'])
})

test('a name asked for that another package provides leads to that package', () => {
  assert.deepEqual(chain(['awk'], 'libm'), ['mawk', 'Depends: libm -> libm'])
})

test('a package that is not selected has no chain', () => {
  assert.equal(chain(['tool'], 'app'), undefined)
})
