import type { Moment } from '../moment.ts'
import type { Held, Reason } from '../plan.ts'
import type { UpdatePolicy } from '../settings/policy-settings.ts'

/** An image whose last run failed. */
export interface FailedImage {
  readonly run: number
  /** What it was to be rebuilt for. */
  readonly reasons: readonly Reason[]
  /** Why it failed. */
  readonly reason: string
  readonly at: Moment
  /** How many runs of it have failed in a row, this one included. */
  readonly failures: number
}

/** The longest that a failed image waits, where its settings do not say more. */
const LONGEST = 86_400_000
const LONGEST_REASON = 200

/**
 * What keeps an image that failed from being tried again at once: the time of the policy, doubled with each failure, up to a day. Whoever has a reason
 * that was not among those of the failed run does not wait, and neither does who asks.
 */
export function heldByFailure(
  { run, reasons: tried, reason, at, failures }: FailedImage,
  reasons: readonly Reason[],
  { policy: { retry }, now }: { readonly policy: Pick<UpdatePolicy, 'retry'>; readonly now: number },
): Held | undefined {
  const known = new Set(tried.flatMap(partsOf))
  if (reasons.flatMap(partsOf).some((part) => !known.has(part))) return undefined
  const [first = ''] = reason.split('\n')
  const held: Held = { by: 'failure', reason: `run ${run} failed: ${first.slice(0, LONGEST_REASON)}` }
  if (retry === undefined) return held
  const until = Date.parse(at) + Math.min(retry * 2 ** Math.min(failures - 1, 30), Math.max(LONGEST, retry))
  return until <= now ? undefined : { ...held, until: new Date(until).toISOString() }
}

/** Says of each reason that the failed run had as well that it was tried: else the same plan would be the same run. */
export function withFailure(reasons: readonly Reason[], failed: FailedImage | undefined): readonly Reason[] {
  if (failed === undefined) return reasons
  const known = new Set(failed.reasons.flatMap(partsOf))
  const again = { run: failed.run, failures: failed.failures }
  return reasons.map((reason) => (partsOf(reason).some((part) => known.has(part)) ? { ...reason, again } : reason))
}

/** What a reason comes to: each package with its new version, or the event where it is no newer package. */
export function partsOf({ changes, because, event }: Reason): readonly string[] {
  if (because !== undefined) return [`event ${event}`]
  return changes.map((change) => `${change.package} ${change.to ?? ''}`)
}
