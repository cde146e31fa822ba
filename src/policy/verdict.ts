import type { PolicyErrorCode } from './errors.ts'
import type { GateException } from './exceptions.ts'
import type { EstablishedFacts } from './fact-shapes.ts'
import type { Policy } from './policy-file.ts'

/** What came of one expression. */
export type Outcome =
  | { readonly kind: 'bool'; readonly value: boolean }
  /** The first of the texts, and how many there are. */
  | { readonly kind: 'texts'; readonly texts: readonly string[]; readonly count: number }
  | { readonly kind: 'failed'; readonly code: PolicyErrorCode; readonly reason: string }

/** Evaluates one expression, with its policy's values, over one image's facts. Never rejects for what an expression does. */
export type Evaluate = (expression: string, values: Readonly<Record<string, unknown>>) => Promise<Outcome>

/** How an image stands to a policy. What could not be decided is never a pass. */
export type GateVerdict =
  | { readonly kind: 'passed' }
  | { readonly kind: 'not-applicable' }
  | { readonly kind: 'refused'; readonly violations: readonly string[]; readonly count: number }
  | { readonly kind: 'undecided'; readonly code: PolicyErrorCode; readonly reason: string }

/** A gate: a policy, how the image stands to it, and the exception that lets it pass all the same. */
export interface Gate {
  readonly policy: Policy
  readonly verdict: GateVerdict
  readonly exception?: GateException
}

/** Whether a gate keeps the image out: it does not pass, it is no mere warning, and nobody excepted it. */
export function isClosed({ policy, verdict, exception }: Gate): boolean {
  const isBad = verdict.kind === 'refused' || verdict.kind === 'undecided'
  return isBad && policy.severity === 'error' && exception === undefined
}

/** Decides on one policy: where it applies, whether all that it names is known, and what its expression says. */
export async function judgePolicy(policy: Policy, facts: EstablishedFacts, evaluate: Evaluate): Promise<GateVerdict> {
  const { when, expression, values } = policy
  if (when !== undefined) {
    const unknown = unknownOf(when.groups, facts)
    if (unknown !== undefined) return unknown
    const applies = await evaluate(when.text, values)
    if (applies.kind === 'failed') return undecided(applies, 'its `when`')
    if (applies.kind !== 'bool')
      return undecided({ code: 'POLICY_FAILED', reason: 'gave texts, want bool' }, 'its `when`')
    if (!applies.value) return { kind: 'not-applicable' }
  }
  const unknown = unknownOf(expression.groups, facts)
  if (unknown !== undefined) return unknown
  const outcome = await evaluate(expression.text, values)
  if (outcome.kind === 'failed') return undecided(outcome, 'its expression')
  if (outcome.kind === 'bool') {
    return outcome.value ? { kind: 'passed' } : { kind: 'refused', violations: [], count: 0 }
  }
  return outcome.count === 0 ? { kind: 'passed' } : { kind: 'refused', violations: outcome.texts, count: outcome.count }
}

/** Even a group that evaluation might not have reached counts: a verdict must not rest on the order of an expression's parts. */
function unknownOf(groups: readonly (keyof EstablishedFacts)[], facts: EstablishedFacts): GateVerdict | undefined {
  const reasons = groups.flatMap((name) => {
    const fact = facts[name]
    return fact.known ? [] : [`${name}: ${fact.reason}`]
  })
  return reasons.length === 0 ? undefined : { kind: 'undecided', code: 'FACT_UNKNOWN', reason: reasons.join('; ') }
}

function undecided({ code, reason }: { code: PolicyErrorCode; reason: string }, what: string): GateVerdict {
  return { kind: 'undecided', code, reason: `${what} ${reason}` }
}
