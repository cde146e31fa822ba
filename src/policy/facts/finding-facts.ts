import type { AdvisoryStore } from '#advisory'
import { type Finding, leadingRating, subjectOf } from '#match'
import type { FactRecord } from '../fact-shapes.ts'

/** By what the age of a fix is told. */
export interface FixDates {
  /** The codename of the image's release. */
  readonly release: string
  readonly advisories: Pick<AdvisoryStore, 'announcements'>
  /** Milliseconds since the epoch. */
  readonly now: number
}

const DAY = 86_400_000

/** Findings as expressions see them, in their order. */
export function findingFacts(findings: readonly Finding[], dates: FixDates): readonly FactRecord<'Finding'>[] {
  return findings.map((finding) => {
    const { name, version } = subjectOf(finding)
    const age = fixAge(finding, dates)
    return {
      ...{ id: finding.cve, package: name, version, status: finding.status },
      severity: leadingRating(finding.ratings)?.severity ?? 'unknown',
      fixed_in: finding.fixedIn ?? '',
      ...(age === undefined ? {} : { fix_age_days: age }),
      suppressed: finding.suppression !== undefined,
    }
  })
}

/**
 * Days since the first announcement of a fix for the image's release. Fixes that came without one, as with a point release,
 * and those of applications have no date that anybody states.
 */
function fixAge(finding: Finding, { release, advisories, now }: FixDates): number | undefined {
  if (finding.kind !== 'debian' || finding.status !== 'fixed') return undefined
  const { source, cve, aliases } = finding
  const names = new Set([cve, ...aliases])
  const days = advisories
    .announcements(source)
    .filter(({ id, cves }) => names.has(id) || cves.some((each) => names.has(each)))
    .filter(({ fixes }) =>
      fixes.some((fix) => fix.source === source && fix.release === release && fix.version !== undefined),
    )
    .map(({ date }) => Date.parse(date))
    .filter((time) => !Number.isNaN(time))
  return days.length === 0 ? undefined : Math.max(0, Math.floor((now - Math.min(...days)) / DAY))
}
