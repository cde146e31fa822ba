import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRequest, parseRequest, SolverError } from '#solver'

const forms: [string, object, string][] = [
  ['nginx', { name: 'nginx' }, 'a name alone'],
  ['libstdc++6', { name: 'libstdc++6' }, 'a name with signs'],
  ['nginx=1.26.3-3', { name: 'nginx', operator: '=', version: '1.26.3-3' }, 'an exact version'],
  ['zlib1g>=1:1.3', { name: 'zlib1g', operator: '>=', version: '1:1.3' }, 'a version with an epoch'],
  ['aa<<2~', { name: 'aa', operator: '<<', version: '2~' }, 'strictly earlier'],
  ['aa<=2', { name: 'aa', operator: '<=', version: '2' }, 'earlier or equal'],
  ['aa>>2', { name: 'aa', operator: '>>', version: '2' }, 'strictly later'],
  ['nginx/trixie-security', { name: 'nginx', suite: 'trixie-security' }, 'a suite'],
  ['libc6:arm64', { name: 'libc6', architecture: 'arm64' }, 'an architecture'],
  ['libc6:arm64=2.41-12', { name: 'libc6', architecture: 'arm64', operator: '=', version: '2.41-12' }, 'both'],
]
for (const [text, want, because] of forms) {
  test(`${text} is read and written: ${because}`, () => {
    assert.deepEqual(parseRequest(text), want)
    assert.equal(formatRequest(parseRequest(text)), text)
  })
}

test('white space around an operator is allowed', () => {
  assert.deepEqual(parseRequest(' nginx >= 1.26 '), { name: 'nginx', operator: '>=', version: '1.26' })
})

const refused: [string, RegExp, string][] = [
  ['', /want name/, 'nothing'],
  ['Nginx', /want name/, 'capitals are no package name'],
  ['nginx=', /want name/, 'an operator without version'],
  ['nginx>1', /want name/, 'an operator that deb-control(5) calls obsolete'],
  ['nginx=1=2', /"1=2" is no version/, 'two versions'],
  ['nginx=one', /"one" is no version/, 'a version that does not start with a digit'],
  ['nginx/', /want name/, 'a slash without suite'],
  ['nginx:any', /"any" is no architecture/, 'any is for dependencies'],
  ['nginx | apache2', /want name/, 'alternatives are for dependencies'],
  ['../nginx', /want name/, 'a path'],
]
for (const [text, message, because] of refused) {
  test(`"${text}" is refused: ${because}`, () => {
    assert.throws(
      () => parseRequest(text),
      (error) => error instanceof SolverError && error.code === 'REQUEST_INVALID' && message.test(error.message),
    )
  })
}
