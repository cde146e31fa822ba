import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSecretKinds } from './io/default-kinds.ts'
import { parseSecretKinds } from './kinds.ts'

const kind = (rest: string) => `kinds:\n  - { kind: one, ${rest} }\n`
const broken: [string, RegExp, string][] = [
  ['kinds: []', /k\.yaml:1:8: kinds: .*want a list of kinds/, 'none'],
  [kind('value: x'), /k\.yaml:2:5: .*one: want a value with one of starts, names and with/, 'nothing leads to it'],
  [kind('starts: [ab], names: [cd], value: x'), /want a value with one of/, 'two ways lead to it'],
  [kind('starts: [ab]'), /want a value/, 'it looks like nothing'],
  [kind('starts: [AB], value: x'), /want a text of 2 characters or more in lower case/, 'it would never be found'],
  [kind('starts: [ab], value: "(("'), /one: Invalid regular expression/, 'a pattern that is none'],
  [kind('start: [ab], value: x'), /unknown key `start`: did you mean `starts`\?/, 'a misspelt key'],
  [kind('starts: [ab], value: x, entropy: 9'), /found 9, want a number|want/, 'more than a character can have'],
]
for (const [text, message, because] of broken) {
  test(`kinds are refused by their line: ${because}`, () => {
    assert.throws(() => parseSecretKinds(text, 'k.yaml'), { code: 'SECRET_KINDS_INVALID', message })
  })
}

test('the kinds that ship are read, and no pattern of theirs has an end that is open', () => {
  const { text, kinds } = readSecretKinds()
  assert.ok(kinds.length > 200)
  // What may go on without end is looked at again from each place where it could begin.
  for (const { name, pattern } of kinds) {
    const plain = pattern.source.replaceAll(/\[(?:\\.|[^\]])*\]/g, 'c').replaceAll(/\\./g, 'e')
    assert.deepEqual(plain.match(/.(?:[*+]|\{\d+,\})/g) ?? [], [], name)
  }
  assert.doesNotMatch(text, /(?:ghp_|xoxb-|AKIA)[A-Za-z0-9]{16}/, 'no secret is written there')
})
