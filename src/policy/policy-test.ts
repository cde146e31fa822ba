import type { EstablishedFacts } from './fact-shapes.ts'
import type { Policy, PolicyTest } from './policy-file.ts'
import { sampleFacts } from './sample-facts.ts'
import { type Evaluate, type GateVerdict, judgePolicy } from './verdict.ts'

/** What came of one of a policy's own tests. */
export interface PolicyTestResult {
  readonly policy: Policy
  readonly test: PolicyTest
  readonly verdict: GateVerdict
  /** Why it has not passed; absent where it has. */
  readonly failure?: string
}

/** Runs a policy's own tests; `over` gives what evaluates over the facts of each. */
export async function testPolicy(
  policy: Policy,
  over: (facts: EstablishedFacts) => Evaluate,
): Promise<readonly PolicyTestResult[]> {
  const results: PolicyTestResult[] = []
  for (const test of policy.tests) {
    const facts = sampleFacts(test.facts, test.unknown)
    const verdict = await judgePolicy(policy, facts, over(facts))
    const failure = failureOf(test, verdict)
    results.push({ policy, test, verdict, ...(failure === undefined ? {} : { failure }) })
  }
  return results
}

/** An expression that errs refuses, but not by what the test is about: only a fact that is unknown is one that it asks for. */
function failureOf({ expect, contains, unknown }: PolicyTest, verdict: GateVerdict): string | undefined {
  if (verdict.kind === 'undecided') {
    if (expect === 'refused' && verdict.code === 'FACT_UNKNOWN' && unknown.length > 0) return undefined
    return `want ${expect}, but it could not be decided: ${verdict.reason} [${verdict.code}]`
  }
  if (verdict.kind !== expect) return `want ${expect}, found ${describe(verdict)}`
  if (verdict.kind !== 'refused' || contains === undefined) return undefined
  if (verdict.violations.some((text) => text.includes(contains))) return undefined
  return `want a text with "${contains}", found ${describe(verdict)}`
}

function describe(verdict: Exclude<GateVerdict, { kind: 'undecided' }>): string {
  if (verdict.kind !== 'refused' || verdict.count === 0) return verdict.kind
  return `refused: ${verdict.violations.slice(0, 3).join('; ')}`
}
