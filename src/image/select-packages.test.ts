import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pkg, universeOf } from '#testkit'
import { parseDefinition } from './definition/parse-definition.ts'
import { resolveDefinition } from './definition/resolve-definition.ts'
import { selectPackages } from './select-packages.ts'

const universe = universeOf([
  pkg('app', '1', { depends: 'lib, debconf' }),
  pkg('lib', '2', { depends: 'libc' }),
  pkg('lib', '1'),
  pkg('libc', '1'),
  pkg('debconf', '1', { depends: 'perl' }),
  pkg('perl', '5'),
  pkg('apt', '3', { depends: 'dpkg' }),
  pkg('dpkg', '1'),
  pkg('tool', '1', { depends: 'lib (<< 2)' }),
  pkg('debugger', '1'),
])

function selected(text: string): Record<string, readonly string[]> | string {
  const definition = parseDefinition(`image: app\n${text}`, 'casemate.yaml')
  const result = selectPackages(universe, resolveDefinition([{ file: 'casemate.yaml', definition, files: new Map() }]))
  if (result.kind === 'impossible') return `${result.variant}: ${result.reasons.join('; ')}`
  const packages = [...result.variants].map(([variant, selection]) => [
    variant,
    selection.packages.map(({ name, version }) => `${name} ${version}`),
  ])
  return Object.fromEntries(packages)
}

test('a variant has all of the runtime in the same versions, and its own', () => {
  assert.deepEqual(selected('packages: [lib]\nvariants: { debug: { packages: [debugger] } }'), {
    runtime: ['lib 2', 'libc 1'],
    debug: ['debugger 1', 'lib 2', 'libc 1'],
  })
})

const without = 'packages: [app]\nwithout: { debconf: "asks questions only" }\n'

test('what is left out is not selected, nor what it alone needs', () => {
  assert.deepEqual(selected(`${without}variants: { debug: { packages: [debugger] } }`), {
    runtime: ['app 1', 'lib 2', 'libc 1'],
    debug: ['app 1', 'debugger 1', 'lib 2', 'libc 1'],
  })
})

test('a variant with dpkg, even by way of another package, gets the left-out packages back', () => {
  for (const manager of ['dpkg', 'apt']) {
    const variants = selected(`${without}variants: { dev: { packages: [${manager}] } }`)
    assert.ok(typeof variants !== 'string')
    assert.deepEqual(variants['runtime'], ['app 1', 'lib 2', 'libc 1'])
    assert.ok(variants['dev']?.includes('debconf 1') && variants['dev'].includes('perl 5'), manager)
  }
})

test('a variant that the runtime stands in the way of is impossible, and named', () => {
  const reasons = selected('packages: [lib]\nvariants: { dev: { packages: [tool] } }')
  assert.ok(typeof reasons === 'string')
  assert.match(reasons, /^dev: .*tool.*lib/)
})

test('a runtime that cannot be is named as such', () => {
  assert.match(String(selected('packages: [nothing]')), /^runtime: .*nothing/)
})
