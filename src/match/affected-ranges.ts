import type { OsvAffected, OsvRange } from '#advisory'
import type { VersionOrder } from './versions/version-order.ts'

/** What a document says of an installed version. */
export type RangeVerdict =
  | { readonly kind: 'not-affected' }
  /** `fixedIn` is absent where the document names no later version without the issue. */
  | { readonly kind: 'affected'; readonly comparison: string; readonly fixedIn?: string }
  | { readonly kind: 'undetermined'; readonly reason: string }

type RangeEvent = OsvRange['events'][number]

/**
 * Holds an installed version against what a document says of its package (OSV schema, "affected[].ranges"): it is affected
 * when it is listed, or lies in a range. Ranges of commits say nothing of versions; what rests on those alone, or cannot be
 * compared, is undetermined and never taken for safe.
 */
export function judgeAffected(installed: string, affected: OsvAffected, order: VersionOrder): RangeVerdict {
  const ranges = affected.ranges.filter(({ type }) => type !== 'GIT')
  const isListed = affected.versions.includes(installed)
  if (!order.isVersion(installed)) {
    if (isListed) return { kind: 'affected', comparison: `${installed} is listed` }
    return { kind: 'undetermined', reason: `${installed} is no version of ${affected.ecosystem}` }
  }
  if (ranges.length === 0 && affected.versions.length === 0) {
    return { kind: 'undetermined', reason: 'the document has ranges of commits only, or none' }
  }
  const strange = ranges.flatMap(({ events }) => events).find((event) => !isComparable(event, order))
  if (strange !== undefined && !isListed) {
    return { kind: 'undetermined', reason: `${strange.kind} ${strange.version} is no version of ${affected.ecosystem}` }
  }
  const readable = ranges.filter(({ events }) => events.every((event) => isComparable(event, order)))
  for (const { events } of readable) {
    const verdict = judgeEvents(installed, events, order)
    if (verdict.kind === 'affected') return verdict
  }
  if (!isListed) return { kind: 'not-affected' }
  const fixes = readable.flatMap(({ events }) => laterFixes(installed, events, order))
  return affectedBy(`${installed} is listed`, fixes[0])
}

function judgeEvents(installed: string, events: readonly RangeEvent[], order: VersionOrder): RangeVerdict {
  const limits = events.filter(({ kind }) => kind === 'limit')
  if (limits.length > 0 && !limits.some(({ version }) => version === '*' || order.compare(installed, version) < 0)) {
    return { kind: 'not-affected' }
  }
  let since: string | undefined
  for (const { kind, version } of inOrder(events, order)) {
    const distance = version === '0' ? 1 : order.compare(installed, version)
    if (kind === 'introduced' && distance >= 0) since = version
    if ((kind === 'fixed' && distance >= 0) || (kind === 'last_affected' && distance > 0)) since = undefined
  }
  if (since === undefined) return { kind: 'not-affected' }
  const [fix] = laterFixes(installed, events, order)
  const [last] = inOrder(events, order).filter(
    ({ kind, version }) => kind === 'last_affected' && order.compare(installed, version) <= 0,
  )
  const end = fix === undefined ? (last === undefined ? '' : ` <= ${last.version}`) : ` < ${fix}`
  return affectedBy(`${since} <= ${installed}${end}`, fix)
}

function affectedBy(comparison: string, fixedIn: string | undefined): RangeVerdict {
  return { kind: 'affected', comparison, ...(fixedIn === undefined ? {} : { fixedIn }) }
}

/** Versions with the fix that come after the installed one, lowest first. */
function laterFixes(installed: string, events: readonly RangeEvent[], order: VersionOrder): string[] {
  return inOrder(events, order)
    .filter(({ kind, version }) => kind === 'fixed' && order.compare(installed, version) < 0)
    .map(({ version }) => version)
}

/** Events by version; those of one version as they stand. `0` comes before every version. */
function inOrder(events: readonly RangeEvent[], order: VersionOrder): readonly RangeEvent[] {
  return events
    .filter(({ kind }) => kind !== 'limit')
    .sort((left, right) => {
      if (left.version === '0' || right.version === '0')
        return Number(right.version === '0') - Number(left.version === '0')
      return order.compare(left.version, right.version)
    })
}

function isComparable({ kind, version }: RangeEvent, order: VersionOrder): boolean {
  return (kind === 'introduced' && version === '0') || (kind === 'limit' && version === '*') || order.isVersion(version)
}
