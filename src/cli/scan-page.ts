import { FINDING_STATUSES, type Finding, type FindingStatus, type Matches } from '#match'
import { formatTable } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** How many findings there are of each status, and how many are exploited, whatever their status. */
export function countsOf(findings: readonly Finding[]): Readonly<Record<FindingStatus | 'exploited', number>> {
  const counts = { ...zeros(), exploited: 0 }
  for (const { status, isExploited } of findings) {
    counts[status]++
    if (isExploited) counts.exploited++
  }
  return counts
}

function zeros(): Record<FindingStatus, number> {
  return {
    fixed: 0,
    open: 0,
    'end-of-life': 0,
    undetermined: 0,
    postponed: 0,
    'no-dsa': 0,
    ignored: 0,
    unimportant: 0,
  }
}

/** Not listed unless everything is asked for: Debian will not act on them. */
const COUNTED_ONLY: ReadonlySet<FindingStatus> = new Set(['ignored', 'unimportant'])

/** Which findings are listed, and with what. */
export interface ScanListing {
  readonly all?: boolean
  readonly onlyFixed?: boolean
  /** How a finding's packages stand to the entrypoint, in a column of its own. */
  readonly standing?: ((finding: Finding) => string) | undefined
}

/** What a scan found, for people: a line at a glance, a line on what is known, and a table in the order of the findings. */
export function scanLines(
  { findings, sources, silent, notAffected, hasFix }: Matches,
  release: string,
  { all = false, onlyFixed = false, standing }: ScanListing,
): string[] {
  const listed = findings.filter(({ status }) => (onlyFixed ? status === 'fixed' : all || !COUNTED_ONLY.has(status)))
  const head = [
    'CVE',
    'source',
    'installed',
    'fixed in',
    'status',
    ...(standing === undefined ? [] : ['reach']),
    'packages',
  ]
  const rows = [head, ...listed.map((finding) => rowOf(finding, standing))]
  const gap = silent.length === 0 ? '' : `; the tracker has no entry for ${silent.length} of them, which says nothing`
  return [
    glance(findings),
    visibleText(`${release}: ${sources} source packages${gap}`),
    `without finding: ${notAffected} issues not affected, ${hasFix} with the fix installed`,
    ...(listed.length === 0 ? [] : ['', ...formatTable(rows, { width: Number.POSITIVE_INFINITY })]),
  ]
}

function glance(findings: readonly Finding[]): string {
  const counts = countsOf(findings)
  const waiting = counts.open + counts['no-dsa'] + counts.postponed
  const more = FINDING_STATUSES.filter(
    (status) => ['end-of-life', 'undetermined', 'ignored'].includes(status) && counts[status] > 0,
  )
  return [
    `${counts.fixed} fixable now`,
    `${counts.exploited} exploited (KEV)`,
    `${waiting} wait for Debian (${counts['no-dsa']} no-dsa, ${counts.postponed} postponed)`,
    `${counts.unimportant} unimportant`,
    ...more.map((status) => `${counts[status]} ${status}`),
  ].join(' · ')
}

function rowOf(finding: Finding, standing: ScanListing['standing']): string[] {
  const { cve, source, sourceVersion, fixedIn = '', status, isExploited, epss, urgency, packages } = finding
  const words = [
    status,
    ...(isExploited ? ['exploited'] : []),
    ...(epss === undefined ? [] : [`EPSS ${(epss * 100).toFixed(1)} %`]),
    ...(status === 'fixed' && urgency === 'unimportant' ? ['unimportant'] : []),
  ]
  const reach = standing === undefined ? [] : [standing(finding)]
  return [cve, source, sourceVersion, fixedIn, words.join(', '), ...reach, packages.join(' ')].map(visibleText)
}
