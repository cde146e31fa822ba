import type { Held, PackageChange, Reason } from '../plan.ts'

/** Names that are told before the others are only counted. */
const TOLD = 3

/**
 * A reason in one line: from which version to which, and what that answers. `libssl3t64 3.5.6-1 → 3.5.7-1 (high: CVE-2026-1000), by
 * base`.
 */
export function describeReason({ because, advisories, severity, changes, parent, again, waits }: Reason): string {
  const what = because ?? `${changed(changes)}${findings(advisories, severity)}`
  const by = parent === undefined || because !== undefined ? '' : `, by ${parent}`
  const tried = again === undefined ? '' : `, tried ${again.failures === 1 ? 'once' : `${again.failures} times`}`
  return `${what}${by}${tried}${waits === undefined ? '' : ` — waits: ${describeHeld(waits)}`}`
}

/** What holds an image, and until when: `frozen: holidays (until 2027-01-04 00:00 UTC)`. */
export function describeHeld({ reason, until }: Held): string {
  return until === undefined ? reason : `${reason} (until ${until.slice(0, 16).replace('T', ' ')} UTC)`
}

function findings(advisories: readonly string[], severity: Reason['severity']): string {
  if (severity === undefined) return ''
  const names = advisories.slice(0, TOLD).join(', ')
  const more = advisories.length > TOLD ? ` and ${advisories.length - TOLD} more` : ''
  return ` (${severity}: ${names === '' ? 'a security update' : `${names}${more}`})`
}

function changed(changes: readonly PackageChange[]): string {
  const [first] = changes
  if (first === undefined) return ''
  const more = changes.length > 1 ? ` and ${changes.length - 1} more` : ''
  return `${first.package} ${first.from ?? '(new)'} → ${first.to ?? '(gone)'}${placesOf(first)}${more}`
}

function placesOf({ platforms }: PackageChange): string {
  return platforms === undefined ? '' : ` on ${platforms.join(', ')}`
}
