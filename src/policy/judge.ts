import type { EstablishedFacts, GroupName } from './fact-shapes.ts'
import type { Policy } from './policy-file.ts'
import { type Evaluate, type Gate, judgePolicy } from './verdict.ts'

/** Decides on each policy, in their order. Never rejects for what a policy does. */
export async function judgePolicies(
  policies: readonly Policy[],
  facts: EstablishedFacts,
  over: (facts: EstablishedFacts) => Evaluate,
): Promise<readonly Gate[]> {
  const evaluate = over(facts)
  const gates: Gate[] = []
  for (const policy of policies) gates.push({ policy, verdict: await judgePolicy(policy, facts, evaluate) })
  return gates
}

/** The groups of facts that policies name: others need not be looked for. */
export function groupsOf(policies: readonly Policy[]): ReadonlySet<GroupName> {
  return new Set(policies.flatMap(({ when, expression }) => [...(when?.groups ?? []), ...expression.groups]))
}
