import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkExpression } from './expression.ts'

const fitting: [string, 'bool' | 'texts', string[], string][] = [
  ['config.uid != 0', 'bool', ['config'], 'true passes'],
  ['files.undeclared', 'texts', ['files'], 'texts are what is wrong'],
  ['fixable.all(f, !has(f.fix_age_days) || f.fix_age_days < 3)', 'bool', ['fixable'], 'an optional fact is asked for'],
  ['values.names.exists(n, n == image.name) && tests.passed', 'bool', ['image', 'tests'], 'values may be of any form'],
  ['false && evidence.asked', 'bool', ['evidence'], 'a group counts though it is never reached'],
]
for (const [text, gives, groups, because] of fitting) {
  test(`${text}: ${because}`, () => assert.deepEqual(checkExpression(text), { text, gives, groups }))
}

const broken: [string, RegExp, string][] = [
  ['config.uuid != 0', /^No such key: uuid$/, 'a fact that does not exist'],
  ['configuration.uid != 0', /^Unknown variable: configuration$/, 'a group that does not exist'],
  ['config.uid != "0"', /no such overload: int != string/, 'a number is no text'],
  ['fixable.all(f, f.fixed)', /No such key: fixed/, 'a fact of each that does not exist'],
  ['config.uid', /gives int, want bool or list<string>/, 'a number is no verdict'],
  ['fixable', /gives list<Finding>, want/, 'records say nothing'],
  ['["a", 1]', /./, 'texts and numbers'],
  ['config.uid ==', /Unexpected token/, 'it ends in the middle'],
  ['', /Unexpected token/, 'nothing'],
  ['1'.repeat(4001), /longer than 4000 characters/, 'a text without end'],
  [`${'('.repeat(500)}true${')'.repeat(500)}`, /depth/i, 'brackets in brackets'],
  [`1${'+1'.repeat(1500)} > 1`, /nodes/i, 'more parts than one policy has'],
]
for (const [text, fault, because] of broken) {
  test(`${text.slice(0, 40)} is refused before anything is evaluated: ${because}`, () => {
    const checked = checkExpression(text)
    assert.ok('fault' in checked, JSON.stringify(checked))
    assert.match(checked.fault, fault)
  })
}
