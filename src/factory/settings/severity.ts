import type { Shape } from '#core'

/** The severities that policies tell apart, worst first. */
export const POLICY_SEVERITIES = ['critical', 'high', 'medium', 'low'] as const
/** One of `POLICY_SEVERITIES`. */
export type PolicySeverity = (typeof POLICY_SEVERITIES)[number]

/** A list of severities, as settings have it. */
export const severitiesShape = {
  type: 'array',
  title: 'a list of severities: critical, high, medium, low',
  items: { enum: POLICY_SEVERITIES },
} as const satisfies Shape

/** Tells whether a word is a severity that policies tell apart. */
export function isPolicySeverity(word: string): word is PolicySeverity {
  return POLICY_SEVERITIES.some((severity) => severity === word)
}

/** Negative where the first is worse. No severity at all is the least. */
export function compareSeverities(left: PolicySeverity | undefined, right: PolicySeverity | undefined): number {
  return rank(left) - rank(right)
}

/** The worst of several; `undefined` where none has any. */
export function worstSeverity(severities: Iterable<PolicySeverity | undefined>): PolicySeverity | undefined {
  let worst: PolicySeverity | undefined
  for (const severity of severities) if (compareSeverities(severity, worst) < 0) worst = severity
  return worst
}

function rank(severity: PolicySeverity | undefined): number {
  return severity === undefined ? POLICY_SEVERITIES.length : POLICY_SEVERITIES.indexOf(severity)
}
