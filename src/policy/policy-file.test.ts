import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePolicies } from './policy-file.ts'

const RULE = '  - name: one\n    expression: config.uid != 0\n    reason: why\n    remedy: how\n'
const fileOf = (...more: string[]) => `policies:\n${RULE}${more.map((line) => `    ${line}\n`).join('')}`

test('a policy is read with its place, and without more is an error that applies everywhere', () => {
  const [policy] = parsePolicies(fileOf(), 'p.yaml')
  assert.deepEqual([policy?.severity, policy?.when, policy?.place], ['error', undefined, 'p.yaml:2'])
})

const wrong: [string, RegExp, string][] = [
  ['policies: []\n', /p\.yaml:1:11: .*want a list of policies/, 'no policy at all would pass everything'],
  ['- name: x\n', /want a file with `policies`/, 'another form'],
  [
    fileOf('serverity: error'),
    /p\.yaml:6:5: policies\[0\]: unknown key `serverity`: did you mean `severity`\?/,
    'a key',
  ],
  ['policies:\n  - name: one\n    expression: "true"\n    reason: x\n', /`remedy` is missing/, 'nothing to do'],
  [fileOf('when: config.uid2 == 0'), /p\.yaml:6:11: .*No such key: uid2, at `uid2 == 0`/, 'a fact, by its place'],
  [fileOf('when: files.undeclared'), /gives texts, want bool/, 'texts are no condition'],
  [fileOf().replace('uid != 0', 'uid'), /p\.yaml:3:17: .*gives int, want bool or list<string>/, 'no verdict'],
  [`${fileOf()}${RULE}`, /p\.yaml:6:11: .*the name one stands here for the second time/, 'which of them is meant?'],
  [
    fileOf('tests: [{ name: a, expect: maybe }]'),
    /expect.*want one of passed, refused, not-applicable/,
    'an expectation',
  ],
  [
    fileOf('tests: [{ name: a, expect: passed, facts: { cofig: {} } }]'),
    /unknown key `cofig`: did you mean `config`/,
    'test',
  ],
  [
    fileOf('tests: [{ name: a, expect: passed, facts: { config: { uid: zero } } }]'),
    /config\.uid: found "zero"/,
    'type',
  ],
  [fileOf('tests: [{ name: a, expect: passed, unknown: [everything] }]'), /want one of image, config/, 'a group'],
  ['policies: [\n', /p\.yaml/, 'no YAML'],
  [`policies: "${'x'.repeat(1 << 19)}"`, /longer than 524288 characters/, 'a text without end'],
  [`policies:\n${RULE.repeat(201)}`, /more than 200 policies/, 'more policies than anybody has'],
]
for (const [text, message, because] of wrong) {
  test(`a policy file that is wrong is refused by its line: ${because}`, () => {
    assert.throws(() => parsePolicies(text, 'p.yaml'), { code: 'POLICY_INVALID', message })
  })
}
