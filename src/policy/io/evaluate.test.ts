import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseExceptions } from '../exceptions.ts'
import { parsePolicies } from '../policy-file.ts'
import { testPolicy } from '../policy-test.ts'
import { sampleFacts } from '../sample-facts.ts'
import { judgePolicy } from '../verdict.ts'
import { readDefaultPolicies } from './default-policies.ts'
import { type EvaluationLimits, openEvaluator } from './evaluate.ts'

const many = sampleFacts({ fixable: Array.from({ length: 3000 }, (_, index) => ({ id: `CVE-${index}` })) }, ['tests'])

/** Judges policies by their expressions over the same facts, one after the other in one evaluator. */
async function judge(t: TestContext, limits: Partial<EvaluationLimits>, ...expressions: readonly string[]) {
  const evaluator = openEvaluator(limits)
  t.after(() => evaluator[Symbol.asyncDispose]())
  const list = expressions.map((text, index) => ({ name: `p${index}`, expression: text, reason: 'why', remedy: 'how' }))
  const policies = parsePolicies(JSON.stringify({ policies: list }), 'p.yaml')
  const verdicts = []
  for (const policy of policies) verdicts.push(await judgePolicy(policy, many, evaluator.over(many)))
  return verdicts
}

const ENDLESS = 'fixable.all(a, fixable.all(b, fixable.all(c, a.id + b.id != c.id + "-")))'
const hostile: [string, RegExp, string][] = [
  [ENDLESS, /^its expression took longer than 300 ms$/, 'three loops in one another'],
  ['"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!".matches("^(a+)+$")', /took longer/, 'a pattern that tries everything'],
  ['fixable.map(a, fixable.map(b, fixable.map(c, a.id + c.id))).size() == 1', /took longer|was stopped/, 'memory'],
]
for (const [expression, reason, because] of hostile) {
  test(`an expression that goes too far is stopped, refuses, and leaves the next one alone: ${because}`, async (t) => {
    const limits = { time: 300, memory: 128 }
    const [first, second] = await judge(t, limits, expression, 'fixable.size() == 3000')
    assert.ok(first?.kind === 'undecided', JSON.stringify(first))
    assert.equal(first.code, 'POLICY_LIMIT')
    assert.match(first.reason, reason)
    assert.deepEqual(second, { kind: 'passed' })
  })
}

test('an expression that runs out of memory ends its thread and nothing else', async (t) => {
  const grows = 'fixable.map(a, fixable.map(b, fixable.map(c, a.id + b.id + c.id + a.id))).size() == 1'
  const [first, second] = await judge(t, { time: 60_000, memory: 64 }, grows, 'fixable.size() == 3000')
  assert.ok(first?.kind === 'undecided' && first.code === 'POLICY_LIMIT', JSON.stringify(first))
  assert.match(first.reason, /was stopped: .*memory/)
  assert.deepEqual(second, { kind: 'passed' })
})

test('an expression that errs, or asks for what is unknown, is never a pass', async (t) => {
  const verdicts = await judge(
    t,
    {},
    'fixable.exists(f, f.fix_age_days > 3)',
    'config.labels["none"] == "x"',
    'values.days > 3',
    'size(fixable) / 0 == 1',
    'true || tests.passed',
    'tests.failed',
  )
  assert.deepEqual(
    verdicts.map((verdict) => (verdict.kind === 'undecided' ? verdict.code : verdict.kind)),
    [...Array(4).fill('POLICY_FAILED'), 'FACT_UNKNOWN', 'FACT_UNKNOWN'],
  )
})

test('a thousand texts of a verdict are given, and all are counted', async (t) => {
  const [verdict] = await judge(t, {}, 'fixable.map(f, f.id)')
  assert.ok(verdict?.kind === 'refused')
  assert.deepEqual([verdict.violations.length, verdict.violations[0], verdict.count], [1000, 'CVE-0', 3000])
})

test('each policy that ships passes a sound image, refuses another, and its own tests hold', async (t) => {
  const { policies } = await readDefaultPolicies()
  const evaluator = openEvaluator()
  t.after(() => evaluator[Symbol.asyncDispose]())
  for (const policy of policies) {
    const results = await testPolicy(policy, evaluator.over)
    for (const { test: one, failure } of results) assert.equal(failure, undefined, `${policy.name}: ${one.name}`)
    const kinds = results.map(({ verdict }) => verdict.kind)
    assert.ok(kinds.includes('passed') && kinds.includes('refused'), policy.name)
  }
})

test('a test that expects otherwise fails, also where the expression only errs', async (t) => {
  const tests = [
    { name: 'a', expect: 'passed', facts: { config: { uid: 0 } } },
    { name: 'b', expect: 'refused' },
    { name: 'c', expect: 'refused', facts: { config: { uid: 0 } }, contains: 'nothing like it' },
    { name: 'd', expect: 'refused', facts: { config: { uid: 7 } } },
  ]
  const expression = 'config.uid == 0 ? ["root"] : config.uid == 7 ? [config.env["none"]] : []'
  const list = [{ name: 'one', expression, reason: 'why', remedy: 'how', tests }]
  const [policy] = parsePolicies(JSON.stringify({ policies: list }), 'p.yaml')
  assert.ok(policy !== undefined)
  const evaluator = openEvaluator()
  t.after(() => evaluator[Symbol.asyncDispose]())
  const failures = (await testPolicy(policy, evaluator.over)).map(({ failure }) => failure)
  assert.match(failures[0] ?? '', /^want passed, found refused: root$/)
  assert.match(failures[1] ?? '', /^want refused, found passed$/)
  assert.match(failures[2] ?? '', /^want a text with "nothing like it", found refused: root$/)
  assert.match(failures[3] ?? '', /^want refused, but it could not be decided: .*No such key.*\[POLICY_FAILED\]$/)
})

test('what the documentation shows is read, and its tests hold', async (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/policies.md'), 'utf8')
  const [policies = '', exceptions = ''] = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => text)
  const [policy] = parsePolicies(policies, 'docs/policies.md')
  assert.ok(policy !== undefined)
  const evaluator = openEvaluator()
  t.after(() => evaluator[Symbol.asyncDispose]())
  const results = await testPolicy(policy, evaluator.over)
  assert.deepEqual(
    results.map(({ failure }) => failure),
    [undefined, undefined, undefined, undefined],
  )
  assert.equal(parseExceptions(exceptions, 'docs/policies.md')[0]?.owner, 'team-app')
})
