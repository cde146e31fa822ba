import { AdvisoryError, isAhead, isStale, type PartState, STALE_DAYS } from '#advisory'
import { formatAge } from './advisories.ts'
import { UsageError } from './errors.ts'
import { missingKinds } from './image-findings.ts'
import type { Terminal } from './terminal.ts'
import type { StaleOptions } from './verb.ts'

/** What is allowed of the age of advisories here. */
export interface StalePolicy {
  /** Days; each kind's own without it. */
  readonly maxAge?: number
  readonly isError: boolean
}

/** The command line's policy, the environment's below it; without either, each kind's own age and a loud line. */
export function stalePolicy(options: StaleOptions): StalePolicy {
  const age = options.maxAge ?? process.env['CASEMATE_MAX_AGE']
  const what = (options.stale ?? process.env['CASEMATE_STALE']) || 'warn'
  if (what !== 'warn' && what !== 'error') {
    throw new UsageError('USAGE_INVALID', `cannot treat stale advisories as "${what}": want warn or error`)
  }
  return { isError: what === 'error', ...(age === undefined || age === '' ? {} : { maxAge: parseAge(age) }) }
}

/** Reads an age as `3d`, `36h` or `2w`, and gives it in days. Throws `USAGE_INVALID`. */
export function parseAge(text: string): number {
  const [, number = '', unit = ''] = /^([0-9]{1,5})([hdw])$/.exec(text) ?? []
  if (number === '') throw new UsageError('USAGE_INVALID', `cannot read the age "${text}": want e.g. 36h, 3d or 2w`)
  return Number(number) * ({ h: 1 / 24, d: 1, w: 7 }[unit] ?? 1)
}

/**
 * Says loudly which parts are older than they may be, and which of `missing` are not there; or refuses to go on, where
 * that is the policy. Throws `ADVISORY_STALE`, naming all of them.
 */
export function holdFresh(
  parts: readonly PartState[],
  missing: readonly string[],
  { now, policy, terminal }: { now: number; policy: StalePolicy; terminal: Pick<Terminal, 'warn'> },
): void {
  const stale = parts.filter((part) => isStale(part, now, policy.maxAge)).map((part) => staleLine(part, now, policy))
  if (policy.isError && stale.length + missing.length > 0) {
    const advice = 'casemate advisories update brings them up to date'
    const reasons = [...missing, ...stale].join('; ')
    throw new AdvisoryError('ADVISORY_STALE', `cannot go by the advisories that are here: ${reasons}; ${advice}`)
  }
  for (const line of [...missing, ...stale]) terminal.warn(line)
}

/** Says, or refuses, as `holdFresh` does; missing are all kinds that were never imported. */
export function holdAdvisories(
  parts: readonly PartState[],
  policy: StalePolicy,
  terminal: Pick<Terminal, 'warn'>,
): void {
  const missing = missingKinds(parts).map(({ kind, means }) => `${kind} was never imported: ${means}`)
  holdFresh(parts, missing, { now: Date.now(), policy, terminal })
}

function staleLine(part: PartState, now: number, { maxAge }: StalePolicy): string {
  const allowed = maxAge ?? STALE_DAYS[part.kind]
  const allowedText = allowed < 2 ? `${Math.round(allowed * 24)} hours` : `${Math.round(allowed * 10) / 10} days`
  const reason = isAhead(part, now)
    ? `its data are dated ${part.contentDate}, ahead of our clock`
    : `its data are ${formatAge(part, now)} old, ${allowedText} are allowed`
  return `${part.kind} is stale: ${reason} (${part.origin})`
}
