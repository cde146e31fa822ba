import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { compareVersions, parseVersion, satisfies } from './version.ts'

const order: [string, string, -1 | 0 | 1, string][] = [
  ['1:1.0', '2.0', 1, 'an epoch outranks any upstream version'],
  ['0:1.0', '1.0', 0, 'an absent epoch is zero'],
  ['1.0~rc1', '1.0', -1, 'a tilde sorts before the end'],
  ['1.0~~', '1.0~', -1, 'a second tilde sorts before the end after the first'],
  ['1.0', '1.0-0', 0, 'an absent revision is zero'],
  ['1.0-1', '1.0-1+b1', -1, 'a binary rebuild comes after'],
  ['1.0a', '1.0+', -1, 'letters sort before other characters'],
  ['1.09', '1.9', 0, 'leading zeros do not count'],
  ['1.10', '1.9', 1, 'digits compare by value'],
  ['1-2-3', '1-2-4', -1, 'the revision starts after the last hyphen'],
  ['99999999999999999999', '99999999999999999998', 1, 'digits beyond 64 bits still compare by value'],
]
for (const [left, right, want, because] of order) {
  test(`${left} against ${right}: ${because}`, () => {
    assert.equal(compareVersions(left, right), want)
    assert.equal(compareVersions(right, left), want === 0 ? 0 : -want)
  })
}

test('dpkg agrees on the order of generated versions', () => {
  const pieces = ['0', '1', '01', '10', 'a', 'Z', '~', '+', '.', '~~', 'rc', '99']
  let state = 7
  const next = (bound: number) => {
    state = (state * 48271) % 2147483647
    return state % bound
  }
  const upstream = () => `${next(3)}${Array.from({ length: next(5) }, () => pieces[next(pieces.length)]).join('')}`
  const version = () => `${next(4) === 0 ? `${next(2)}:` : ''}${upstream()}${next(2) === 0 ? `-${upstream()}` : ''}`
  const pairs = Array.from({ length: 300 }, () => [version(), version()] as const)
  const script = pairs.map(([left, right]) => {
    const operator = { '-1': 'lt', '0': 'eq', '1': 'gt' }[`${compareVersions(left, right)}`]
    return `dpkg --compare-versions '${left}' ${operator} '${right}' || echo '${left} is not ${operator} ${right}'`
  })
  assert.equal(execFileSync('sh', ['-c', script.join('\n')], { encoding: 'utf8' }), '')
})

test('a relation without an operator is met by any version', () => {
  assert.equal(satisfies('1', undefined, undefined), true)
  assert.equal(satisfies('1', '>>', '1'), false)
  assert.equal(satisfies('1', '<=', '1'), true)
})

for (const text of ['', 'a1', '1:', 'x:1', '1-', '1_0', '1 0', '2147483648:1']) {
  test(`"${text}" is no version, as dpkg says too`, () => {
    assert.throws(() => parseVersion(text), { code: 'VERSION_INVALID' })
    assert.throws(() => execFileSync('dpkg', ['--validate-version', text], { stdio: 'ignore' }))
  })
}
