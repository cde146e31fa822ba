import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import Schema from 'typebox/schema'
import { parse } from 'yaml'
import { faultsOf } from '#core'
import { definitionSchema } from './definition-schema.ts'
import { definitionJsonSchema } from './json-schema.ts'

const example: unknown = parse(readFileSync(new URL('testdata/example.yaml', import.meta.url), 'utf8'))

test('keys that every object inherits are unknown keys like others', () => {
  const hostile: unknown = JSON.parse('{"image":"x","__proto__":{"image":1},"constructor":1,"toString":1}')
  assert.deepEqual(
    faultsOf(definitionSchema, hostile).map(({ message }) => message),
    ['unknown key `__proto__`', 'unknown key `constructor`', 'unknown key `toString`'],
  )
})

test('TypeBox, given the published JSON Schema, accepts and refuses the same 4,000 mutated definitions', () => {
  const published = definitionJsonSchema()
  assert.ok(typeof published === 'object' && published !== null && !Array.isArray(published))
  const random = generator(1)
  let refused = 0
  for (let round = 0; round < 4000; round++) {
    const mutant = mutate(structuredClone(example), random)
    const isValid = faultsOf(definitionSchema, mutant).length === 0
    assert.equal(Schema.Check(published, mutant), isValid, JSON.stringify(mutant))
    if (!isValid) refused++
  }
  assert.ok(refused > 1000 && refused < 3900, `${refused} refused: the mutations say too little`)
})

/** Changes a few places of a value: other types, other texts, keys added and taken away. */
function mutate(value: unknown, random: () => number): unknown {
  const values = [
    null,
    true,
    0,
    70_000,
    -1,
    1.5,
    '',
    'x',
    'SIGINT',
    '/a',
    '/a/../b',
    'a=1',
    'a:b:c',
    [],
    ['a'],
    [1],
    {},
  ]
  if (Array.isArray(value) && value.length > 0) {
    const index = Math.floor(random() * value.length)
    value[index] = random() < 0.5 ? mutate(value[index], random) : pick(values, random)
    return value
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const entries = Object.entries(value)
    const [key = 'x', member] = pick(entries, random) ?? []
    const chance = random()
    if (chance < 0.1)
      entries.push([pick(['type', 'mode', 'cmd', 'nonsense', 'content'], random) ?? 'x', pick(values, random)])
    const rest = entries.filter(([other]) => other !== key)
    if (chance < 0.15) return Object.fromEntries(rest)
    return Object.fromEntries([...rest, [key, chance < 0.3 ? pick(values, random) : mutate(member, random)]])
  }
  return pick(values, random)
}

function pick<Value>(values: readonly Value[], random: () => number): Value | undefined {
  return values[Math.floor(random() * values.length)]
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
