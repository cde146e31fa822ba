import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ArchivePackage, Dependency, Universe } from '#debian'
import { parseRequest, solve } from '#solver'
import { type HandmadePackage, pkg, universeOf } from '#testkit'

const NAMES = ['aa', 'bb', 'cc', 'dd', 'ee', 'ff']

/** A small generator of numbers (xorshift32), so that a failing universe can be made again from its seed. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

function randomUniverse(seed: number): HandmadePackage[] {
  const below = numbersFrom(seed * 2_654_435_761 + 1)
  const name = () => NAMES[below(NAMES.length)] ?? 'aa'
  const restriction = () => ['', '', ' (>= 2)', ' (<< 2)', ' (= 1)'][below(5)] ?? ''
  const relation = () => (below(6) === 0 ? 'virtual' : `${name()}${restriction()}`)
  const list = (most: number, one: () => string) => Array.from({ length: below(most + 1) }, one).join(', ')
  return NAMES.flatMap((own) =>
    (below(2) === 0 ? ['1'] : ['1', '2']).map((version) => {
      const depends = list(3, () => Array.from({ length: 1 + below(2) }, relation).join(' | '))
      const conflicts = list(3, relation)
      return pkg(own, version, {
        ...(depends === '' ? {} : { depends }),
        ...(conflicts === '' ? {} : { conflicts }),
        ...(below(3) === 0 ? { provides: 'virtual' } : {}),
      })
    }),
  )
}

/** Whether a set of packages meets every need and breaks no conflict, written without the solver's own parts. */
function holds(selected: readonly ArchivePackage[]): boolean {
  const is = (one: ArchivePackage, relation: Dependency[number]) =>
    (one.name === relation.name &&
      (relation.operator === undefined ||
        (relation.operator === '>=' && one.version >= (relation.version ?? '')) ||
        (relation.operator === '<<' && one.version < (relation.version ?? '')) ||
        (relation.operator === '=' && one.version === relation.version))) ||
    (relation.operator === undefined && one.provides.some((provision) => provision.name === relation.name))
  return (
    new Set(selected.map(({ name }) => name)).size === selected.length &&
    selected.every(
      (one) =>
        one.depends.every((dependency) => dependency.some((relation) => selected.some((it) => is(it, relation)))) &&
        one.conflicts.every((relation) => !selected.some((it) => it.name !== one.name && is(it, relation))),
    )
  )
}

function answerExists(universe: Universe, wanted: string): boolean {
  const choices = NAMES.map((name) => [undefined, ...universe.versions(name)])
  const tryFrom = (index: number, selected: ArchivePackage[]): boolean => {
    const options = choices[index]
    if (options === undefined) return selected.some(({ name }) => name === wanted) && holds(selected)
    return options.some((one) => tryFrom(index + 1, one === undefined ? selected : [...selected, one]))
  }
  return tryFrom(0, [])
}

test('in 600 random universes the search finds an answer exactly when trying everything finds one', () => {
  const counts = { selected: 0, impossible: 0 }
  for (let seed = 1; seed <= 600; seed++) {
    const universe = universeOf(randomUniverse(seed))
    const solution = solve(universe, [parseRequest('aa')])
    counts[solution.kind]++
    assert.equal(solution.kind === 'selected', answerExists(universe, 'aa'), `seed ${seed}`)
    if (solution.kind === 'selected')
      assert.ok(holds(solution.selection.packages), `seed ${seed}: the answer must hold`)
    else assert.ok(solution.reasons.length > 0, `seed ${seed}: a refusal must say why`)
  }
  assert.ok(counts.selected > 100 && counts.impossible > 100, JSON.stringify(counts))
})
