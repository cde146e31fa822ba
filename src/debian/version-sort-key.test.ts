import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { compareVersions } from './version.ts'
import { versionSortKey } from './version-sort-key.ts'

const pieces = ['0', '1', '01', '10', '00', 'a', 'Z', '~', '+', '.', '-', '~~', 'rc', '99', 'deb12u', '+b']

/** Versions as they come and as nobody would write them; the same ones every time. */
function* generatedVersions(seed: number): Generator<string> {
  let state = seed
  const next = (bound: number) => {
    state = (state * 48271) % 2147483647
    return state % bound
  }
  for (;;) {
    const body = Array.from({ length: next(7) }, () => pieces[next(pieces.length)]).join('')
    yield `${next(4) === 0 ? `${next(3)}:` : ''}${next(3)}${body.replace(/-$/, '-1')}`
  }
}

const byKey = (left: string, right: string) => Buffer.compare(versionSortKey(left), versionSortKey(right))

test('keys order as the versions do', () => {
  const versions = generatedVersions(11).take(40_000).toArray()
  for (const [at, left] of versions.entries()) {
    const right = versions[(at * 7 + 1) % versions.length] ?? ''
    assert.equal(byKey(left, right), compareVersions(left, right), `${left} against ${right}`)
  }
})

test('dpkg agrees on the order of keys', () => {
  const versions = generatedVersions(5).take(800).toArray()
  const script = versions.slice(1).map((right, at) => {
    const left = versions[at] ?? ''
    const operator = { '-1': 'lt', '0': 'eq', '1': 'gt' }[`${byKey(left, right)}`]
    return `dpkg --compare-versions '${left}' ${operator} '${right}' || echo '${left} is not ${operator} ${right}'`
  })
  assert.equal(execFileSync('sh', ['-c', script.join('\n')], { encoding: 'utf8' }), '')
})

const equal: [string, string, string][] = [
  ['1.0', '0:1.00-0', 'an absent epoch and an absent revision are zero'],
  ['', '0', 'an empty text is zero'],
  ['1a', '1a0', 'an absent number is zero'],
]
for (const [left, right, because] of equal) {
  test(`"${left}" and "${right}" have the same key: ${because}`, () => assert.equal(byKey(left, right), 0))
}

test('numbers of any length order by value', () => {
  const digits = (count: number) => `1${'0'.repeat(count - 1)}`
  for (const count of [254, 255, 509, 510, 511]) assert.equal(byKey(digits(count), digits(count + 1)), -1)
})

test('texts that are no versions have a place as well', () => {
  for (const [left, right] of [
    ['ü', 'z'],
    ['\u{1f600}', 'ü'],
    ['x:1', '1'],
  ] as const) {
    assert.equal(byKey(left, right), compareVersions(left, right))
  }
})
