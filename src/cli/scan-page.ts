import { type Finding, type FindingStatus, leadingRating, type Rating, SEVERITIES, subjectOf } from '#match'
import { originOfFindings, rebaseLine } from './finding-origins.ts'
import type { ImageFindings } from './image-findings.ts'
import { formatTable, type Terminal } from './terminal.ts'
import { visibleText } from './visible-text.ts'

/** How many findings of each status count, and how many are exploited or suppressed, whatever their status. */
export function countsOf(
  findings: readonly Finding[],
): Readonly<Record<FindingStatus | 'exploited' | 'suppressed', number>> {
  const counts = { ...zeros(), exploited: 0, suppressed: 0 }
  for (const { status, isExploited, suppression } of findings) {
    if (suppression !== undefined) counts.suppressed++
    else {
      counts[status]++
      if (isExploited) counts.exploited++
    }
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

/** What of the findings a page lists. */
export interface ScanPageOptions {
  readonly all?: boolean
  readonly onlyFixed?: boolean
  /** How a finding's packages stand to the entrypoint, in a column of its own. */
  readonly standing?: ((finding: Finding) => string) | undefined
}

/** Debian will not act on them: listed only where everything is asked for. */
const COUNTED_ONLY: ReadonlySet<FindingStatus> = new Set(['ignored', 'unimportant'])

/** Whether a page lists a finding: what is ignored or unimportant is counted only, unless all is asked for or it is suppressed. */
export function isListed(
  { status, suppression }: Finding,
  { all = false, onlyFixed = false }: ScanPageOptions,
): boolean {
  if (onlyFixed && status !== 'fixed') return false
  return all || suppression !== undefined || !COUNTED_ONLY.has(status)
}

/**
 * What a scan found, for people: what can be done now, what is exploited and who has to move, at a glance; then a row for
 * each issue that has a fix, and a row for each package that waits, or for each of its issues where all is asked for.
 */
export function scanLines(
  scan: ImageFindings,
  options: ScanPageOptions,
  terminal: Pick<Terminal, 'width' | 'style'>,
): string[] {
  const listed = scan.findings.filter((finding) => isListed(finding, options))
  const counted = listed.filter(({ suppression }) => suppression === undefined)
  const fixable = counted.filter(({ status }) => status === 'fixed')
  const waiting = (kind: Finding['kind']) => counted.filter((one) => one.kind === kind && one.status !== 'fixed')
  const rest = options.all === true ? issueTable : packageTable
  const layout = { width: terminal.width, standing: options.standing, origin: originOfFindings(scan.inventory) }
  const sections: [string, string[]][] = [
    ['Fixable now', issueTable(fixable, layout)],
    ['Waiting for Debian', rest(waiting('debian'), layout)],
    ['Waiting for a release upstream', rest(waiting('application'), layout)],
    [
      'Suppressed',
      suppressedTable(
        listed.filter(({ suppression }) => suppression !== undefined),
        terminal.width,
      ),
    ],
  ]
  return [
    terminal.style('bold', glance(scan.findings)),
    ...knowledge(scan),
    ...sections.flatMap(([title, rows]) => (rows.length === 0 ? [] : ['', terminal.style('bold', title), ...rows])),
    ...(listed.some(({ isExploited }) => isExploited) ? ['', '! exploited, by the catalogue of CISA (KEV)'] : []),
  ]
}

function glance(findings: readonly Finding[]): string {
  const counts = countsOf(findings)
  const upstream = findings.filter(
    ({ kind, status, suppression }) => kind === 'application' && status !== 'fixed' && suppression === undefined,
  ).length
  const waiting = counts.open + counts['no-dsa'] + counts.postponed + counts.undetermined + counts['end-of-life']
  const minor = counts.unimportant + counts.ignored
  return [
    `${counts.fixed} fixable now`,
    `${counts.exploited} exploited`,
    `${waiting - upstream} wait for Debian`,
    ...(upstream === 0 ? [] : [`${upstream} wait for a release upstream`]),
    `${minor} minor`,
    ...(counts.suppressed === 0 ? [] : [`${counts.suppressed} suppressed`]),
  ].join(' · ')
}

/** On what that rests, and what is not known. */
function knowledge({ inventory, release, debian, applications, findings }: ImageFindings): string[] {
  const rebase = rebaseLine(inventory, findings)
  const { sources, silent, notAffected, hasFix } = debian
  const counts = countsOf(findings)
  const gap = silent.length === 0 ? '' : `; of ${silent.length} the tracker says nothing`
  const more = applications.packages === 0 ? '' : `, ${applications.packages} application packages`
  return [
    visibleText(`${release}: ${sources} source packages${gap}${more}`),
    `without finding: ${hasFix} issues with the fix installed, ${notAffected + applications.notAffected} not affected`,
    ...(rebase === undefined ? [] : [rebase]),
    ...(counts.unimportant + counts.ignored === 0
      ? []
      : [`minor: ${counts.unimportant} unimportant, ${counts.ignored} ignored, in Debian’s words`]),
  ]
}

/** How a table is laid out. */
interface TableLayout extends Pick<ScanPageOptions, 'standing'> {
  readonly width: number
  readonly origin: ReturnType<typeof originOfFindings>
}

/** A row for each issue. Where the terminal is narrow, columns that can be spared are left out. */
function issueTable(findings: readonly Finding[], { width, standing, origin }: TableLayout): string[] {
  if (findings.length === 0) return []
  const isFixable = findings.some(({ fixedIn }) => fixedIn !== undefined)
  const last = isFixable ? 'fixed in' : 'status'
  const rows = findings.map((finding) => {
    const { version } = subjectOf(finding)
    const end = finding.fixedIn ?? statusText(finding)
    return [
      mark(finding),
      severityText(finding.ratings),
      likelihood(finding),
      finding.cve,
      label(finding),
      version,
      standing?.(finding) ?? '',
      origin?.(finding) ?? '',
      end,
    ]
  })
  return fitted(['', 'severity', 'EPSS', 'issue', 'package', 'installed', 'reach', 'of', last], rows, {
    width,
    spare: [2, 5],
  })
}

/** A row for each package and version: how many issues of which status, the worst, and the likeliest. */
function packageTable(findings: readonly Finding[], { width, standing, origin }: TableLayout): string[] {
  if (findings.length === 0) return []
  const groups = Map.groupBy(findings, (finding) => `${label(finding)} ${subjectOf(finding).version}`)
  const rows = [...groups.values()].sort(compareGroups).map((group) => {
    const [first] = group
    if (first === undefined) return []
    const statuses = Map.groupBy(group, ({ status }) => status)
    const words = [...statuses].map(([status, { length }]) => `${length} ${status}`).join(', ')
    const exploited = group.filter(({ isExploited }) => isExploited).map(({ cve }) => cve)
    const likeliest = Math.max(...group.map(({ epss }) => epss ?? -1))
    return [
      exploited.length === 0 ? '' : '!',
      severityText(group.flatMap(({ ratings }) => leadingRating(ratings) ?? []).sort(compareWorst)),
      likeliest < 0 ? '' : percent(likeliest),
      label(first),
      subjectOf(first).version,
      standing?.(first) ?? '',
      origin?.(first) ?? '',
      [words, ...exploited].join('; '),
    ]
  })
  return fitted(['', 'worst', 'EPSS to', 'package', 'installed', 'reach', 'of', 'issues'], rows, {
    width,
    spare: [2, 4],
  })
}

function suppressedTable(findings: readonly Finding[], width: number): string[] {
  if (findings.length === 0) return []
  const rows = findings.map((finding) => {
    const { suppression } = finding
    const until = suppression?.expires === undefined ? '' : `until ${suppression.expires}: `
    const by = suppression?.owner ?? ''
    return [mark(finding), finding.cve, label(finding), finding.status, by, `${until}${suppression?.statement ?? ''}`]
  })
  return fitted(['', 'issue', 'package', 'status', 'by', 'reason'], rows, { width, spare: [3] })
}

/** A table in the width there is: without its spare columns, one after the other, while it is too wide. */
function fitted(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { width, spare }: { readonly width: number; readonly spare: readonly number[] },
): string[] {
  const shown = [head, ...rows].map((row) => row.map(visibleText))
  const empty = head.flatMap((_, column) => (shown.slice(1).every((row) => row[column] === '') ? [column] : []))
  const table = (without: readonly number[], limit: number) =>
    formatTable(
      shown.map((row) => row.filter((_, column) => !without.includes(column))),
      { width: limit },
    )
  for (let count = 0; count <= spare.length; count++) {
    const lines = table([...empty, ...spare.slice(0, count)], Number.POSITIVE_INFINITY)
    if (lines.every(({ length }) => length <= width)) return lines
  }
  return table([...empty, ...spare], width)
}

function compareGroups(left: readonly Finding[], right: readonly Finding[]): number {
  const exploited = (group: readonly Finding[]) => Number(group.some(({ isExploited }) => isExploited))
  const likeliest = (group: readonly Finding[]) => Math.max(...group.map(({ epss }) => epss ?? -1))
  return exploited(right) - exploited(left) || likeliest(right) - likeliest(left) || right.length - left.length
}

function compareWorst(left: Rating, right: Rating): number {
  return (
    SEVERITIES.indexOf(left.severity) - SEVERITIES.indexOf(right.severity) || (right.score ?? 0) - (left.score ?? 0)
  )
}

/** `9.8 critical` by CVSS; `high Debian` where the tracker's urgency is all there is. */
export function severityText(ratings: readonly Rating[]): string {
  const leading = leadingRating(ratings)
  if (leading === undefined) return ''
  return leading.score === undefined ? `${leading.severity} Debian` : `${leading.score.toFixed(1)} ${leading.severity}`
}

/** The status with the publisher's own reason for it. */
export function statusText({ status, note }: Finding): string {
  return note === undefined ? status : `${status}: ${note}`
}

function likelihood({ epss }: Finding): string {
  return epss === undefined ? '' : percent(epss)
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

function mark({ isExploited }: Finding): string {
  return isExploited ? '!' : ''
}

/** The source package, or the application package with its ecosystem. */
export function label(finding: Finding): string {
  return finding.kind === 'debian' ? finding.source : `${finding.ecosystem}:${finding.name}`
}
