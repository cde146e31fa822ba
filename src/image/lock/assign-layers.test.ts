import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assignLayers, type SizedPackage } from './assign-layers.ts'

/** Packages named by letters with their sizes: `{ a: 10, b: 5 }`. */
function sized(sizes: Readonly<Record<string, number>>): readonly SizedPackage[] {
  return Object.entries(sizes).map(([name, size]) => ({ name, architecture: 'amd64', size }))
}

function assigned(...input: Parameters<typeof assignLayers>): Readonly<Record<string, number>> {
  return Object.fromEntries([...assignLayers(...input)].map(([key, layer]) => [key.replace(':amd64', ''), layer]))
}

test('the biggest packages get a layer each, by size and then by name, the rest share layer 0', () => {
  assert.deepEqual(assigned(sized({ a: 1, b: 30, c: 20, d: 20, e: 2 }), 5), { b: 1, c: 2, d: 3, e: 0, a: 0 })
})

test('a budget of 30 leaves 28 single layers, and one of 2 none', () => {
  const many = Array.from({ length: 100 }, (_, index) => ({ name: `p${index}`, architecture: 'all', size: index }))
  const layers = [...assignLayers(many, 30).values()]
  assert.equal(Math.max(...layers), 28)
  assert.equal(layers.filter((layer) => layer === 0).length, 72)
  assert.ok([...assignLayers(many, 2).values()].every((layer) => layer === 0))
})

test('the order of packages makes no difference', () => {
  const packages = sized({ a: 1, b: 30, c: 20, d: 20, e: 2 })
  assert.deepEqual(assigned([...packages].reverse(), 4), assigned(packages, 4))
})

const updates: [string, Readonly<Record<string, number>>, Readonly<Record<string, number>>][] = [
  ['an update that changes sizes moves nothing', { a: 1, b: 90, c: 95, d: 0 }, { a: 1, b: 2, c: 0, d: 0 }],
  ['a package that goes leaves its number free', { b: 80, c: 5, d: 4 }, { b: 2, c: 0, d: 0 }],
  ['a new package takes a free number, whatever its size', { b: 80, c: 5, d: 4, n: 1 }, { b: 2, c: 0, d: 0, n: 1 }],
  [
    'a small new package shares when none is free',
    { a: 90, b: 80, c: 5, d: 4, n: 1 },
    { a: 1, b: 2, c: 0, d: 0, n: 0 },
  ],
  [
    'a big new package changes places with the smallest',
    { a: 90, b: 80, c: 5, d: 4, n: 85 },
    { a: 1, b: 0, c: 0, d: 0, n: 2 },
  ],
]
for (const [name, sizes, want] of updates) {
  test(name, () => {
    const first = assignLayers(sized({ a: 90, b: 80, c: 5, d: 4 }), 4)
    assert.deepEqual(assigned(sized(sizes), 4, first), want)
  })
}

test('a smaller budget sends what is above it to the shared layer', () => {
  const first = assignLayers(sized({ a: 90, b: 80, c: 5 }), 5)
  assert.deepEqual(assigned(sized({ a: 90, b: 80, c: 5 }), 4, first), { a: 1, b: 2, c: 0 })
})

test('a variant that starts from the runtime keeps the numbers of its packages', () => {
  const runtime = assignLayers(sized({ a: 90, b: 80, c: 5 }), 5)
  assert.deepEqual(assigned(sized({ a: 90, b: 80, c: 5, bash: 70, apt: 4 }), 6, runtime), {
    a: 1,
    b: 2,
    c: 3,
    bash: 4,
    apt: 0,
  })
})
