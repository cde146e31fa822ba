import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyExceptions, parseExceptions } from './exceptions.ts'
import { parsePolicies } from './policy-file.ts'
import type { Gate, GateVerdict } from './verdict.ts'

const [policy] = parsePolicies(
  'policies:\n  - { name: no-shell, expression: "true", reason: why, remedy: how }\n',
  'p.yaml',
)
const refused: GateVerdict = { kind: 'refused', violations: ['/bin/sh'], count: 1 }
const NAMES = ['registry.example.org/team/app:1.0', 'registry.example.org/team/app', `sha256:${'a'.repeat(64)}`]

function gateOf(verdict: GateVerdict, severity: 'error' | 'warning' = 'error'): Gate {
  assert.ok(policy !== undefined)
  return { policy: { ...policy, severity }, verdict }
}

function fileOf(subject: string, expires: string, name = 'no-shell'): string {
  const rest = `owner: team, reason: until the rewrite, expires: ${expires}`
  return `exceptions:\n  - { policy: ${name}, subject: "${subject}", ${rest} }\n`
}

function except(gate: Gate, ...files: readonly string[]) {
  const exceptions = files.flatMap((text, index) => parseExceptions(text, `e${index}.yaml`))
  return applyExceptions([gate], exceptions, { names: NAMES, today: '2026-11-21' })
}

const subjects: [string, boolean, string][] = [
  ['registry.example.org/team/app:1.0', true, 'the reference'],
  ['registry.example.org/team/app', true, 'its repository'],
  ['registry.example.org/*/app', true, 'a star is one part of a path'],
  ['registry.example.org/*', false, 'and no more than one'],
  ['registry.example.org/**', true, 'two stars are all'],
  ['**', true, 'everything'],
  ['**/app', true, 'anything before'],
  [`sha256:${'a'.repeat(64)}`, true, 'its digest'],
  ['registry.example.org/team/app:1', false, 'the whole name counts'],
  ['registry.example.org/team/app:1.0x', false, 'to its end'],
  ['registry?example.org/team/app', false, 'nothing but stars is special'],
  ['app', false, 'the last part is not the name'],
]
for (const [subject, want, because] of subjects) {
  test(`an exception for ${subject.slice(0, 40)}: ${because}`, () => {
    const { gates } = except(gateOf(refused), fileOf(subject, '2026-12-31'))
    assert.equal(gates[0]?.exception !== undefined, want)
    assert.deepEqual(gates[0]?.verdict, refused, 'what was found stays to be seen')
  })
}

test('an exception counts to the day before its expiry, and is told from that day on', () => {
  const { gates, expired } = except(gateOf(refused), fileOf('**', '2026-11-21'))
  assert.deepEqual([gates[0]?.exception, expired[0]?.owner], [undefined, 'team'])
  const another = except(gateOf(refused), fileOf('**', '2026-11-21'), fileOf('**', '2026-11-22'))
  assert.equal(another.gates[0]?.exception?.place, 'e1.yaml:2')
})

test('a gate that could not be decided can be excepted, one that keeps nobody out need not be', () => {
  const undecided: GateVerdict = { kind: 'undecided', code: 'FACT_UNKNOWN', reason: 'fixable' }
  assert.ok(except(gateOf(undecided), fileOf('**', '2026-12-31')).gates[0]?.exception)
  for (const gate of [gateOf({ kind: 'passed' }), gateOf(refused, 'warning')]) {
    assert.equal(except(gate, fileOf('**', '2026-12-31')).gates[0]?.exception, undefined)
  }
})

test('an exception from a policy that nobody asks is told', () => {
  const { gates, strange } = except(gateOf(refused), fileOf('**', '2026-12-31', 'no-shel'))
  assert.deepEqual([gates[0]?.exception, strange[0]?.policy], [undefined, 'no-shel'])
})

test('a pattern of many stars takes no longer than another', { timeout: 5000 }, () => {
  const name = 'a'.repeat(500)
  const exceptions = parseExceptions(fileOf(`${'**a'.repeat(300)}b`, '2026-12-31'), 'e.yaml')
  const { gates } = applyExceptions([gateOf(refused)], exceptions, { names: [name], today: '2026-11-21' })
  assert.equal(gates[0]?.exception, undefined)
})

const wrong: [string, RegExp][] = [
  [fileOf('**', '2026-02-31'), /e:2:\d+: .*found 2026-02-31, want a day that exists/],
  [fileOf('**', 'never'), /want a day as YYYY-MM-DD/],
  [fileOf('**', '2026-12-31').replace('owner: team, ', ''), /e:2:5: exceptions\[0\]: `owner` is missing/],
  [fileOf('**', '2026-12-31').replace('reason', 'reasons'), /unknown key `reasons`: did you mean `reason`\?/],
  ['exception: []\n', /unknown key `exception`: did you mean `exceptions`\?/],
  [`exceptions: "${'x'.repeat(1 << 19)}"`, /longer than 524288 characters/],
]
for (const [text, message] of wrong) {
  test(`a file of exceptions that is wrong is refused by its line: ${text.slice(0, 60).replaceAll('\n', ' ')}`, () => {
    assert.throws(() => parseExceptions(text, 'e'), { code: 'EXCEPTIONS_INVALID', message })
  })
}
