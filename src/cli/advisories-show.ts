import type { DebianStatement, IssueRecords } from '#advisory'
import { openCachedStore, warnOfStale } from './advisories.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { cutText, formatTable, type Terminal } from './terminal.ts'

/** Prints everything that is known of one issue; the status is "no" when nothing is. */
export async function runAdvisoriesShow(
  id: string,
  options: { json?: boolean },
  terminal: Terminal,
): Promise<ExitStatus> {
  const store = openCachedStore()
  try {
    const { parts } = store
    const issue = store.issue(id.replace(/^(?:cve|dsa|dla|temp)-.*/i, (known) => known.toUpperCase()))
    const { statements, announcements, exploited, prediction, osv } = issue
    const isKnown =
      [statements, announcements, osv].some((list) => list.length > 0) ||
      exploited !== undefined ||
      prediction !== undefined
    warnOfStale(parts, Date.now(), terminal)
    if (options.json === true) {
      const sources = parts.map(({ kind, origin, contentDate }) => ({ kind, origin, contentDate }))
      terminal.print(
        JSON.stringify({ ...issue, exploited: exploited ?? null, prediction: prediction ?? null, sources }),
      )
    } else if (isKnown) for (const line of linesOf(issue, terminal)) terminal.print(line)
    else terminal.print(`${id}: not in ${parts.map(({ kind }) => kind).join(', ')}`)
    return isKnown ? exitStatus.done : exitStatus.no
  } finally {
    store.close()
  }
}

function linesOf(issue: IssueRecords, terminal: Terminal): string[] {
  const { width } = terminal
  const [statement] = issue.statements
  const [document] = issue.osv
  const about = statement?.description || issue.exploited?.name || document?.summary || ''
  return [
    terminal.style('bold', issue.id),
    ...(about === '' ? [] : [cutText(`  ${about}`, width)]),
    ...section("Debian's tracker", issue.statements.map(statementRow), width),
    ...section('Announcements', announcementRows(issue), width),
    ...section('Exploited (CISA)', exploitedRows(issue), width),
    ...section('Likelihood (EPSS)', predictionRows(issue), width),
    ...section('OSV', osvRows(issue), width),
  ]
}

function section(title: string, rows: readonly (readonly string[])[], width: number): string[] {
  if (rows.length === 0) return []
  return [
    '',
    title,
    ...formatTable(
      rows.map(([first = '', ...rest]) => [`  ${first}`, ...rest]),
      { width },
    ),
  ]
}

function statementRow(statement: DebianStatement): string[] {
  const { source, release, urgency, sub, note } = statement
  const standing = statement.status === 'fixed' ? `fixed in ${statement.version}` : statement.status
  const words = sub === undefined ? standing : `${standing}, ${sub}`
  return [source, release, words, urgency, note ?? '']
}

function announcementRows({ announcements }: IssueRecords): string[][] {
  return announcements.flatMap(({ id, date, title, source, fixes }) =>
    fixes.length === 0
      ? [[id, date, source ?? '', '', title]]
      : fixes.map((fix) => [id, date, fix.source, fix.release, fix.version ?? fix.word ?? '']),
  )
}

function exploitedRows({ exploited }: IssueRecords): string[][] {
  if (exploited === undefined) return []
  const { dateAdded, name, ransomware } = exploited
  return [[`known since ${dateAdded}`, `used by ransomware: ${ransomware.toLowerCase()}`, name]]
}

function predictionRows({ prediction }: IssueRecords): string[][] {
  if (prediction === undefined) return []
  const percent = (share: number) => `${(share * 100).toFixed(2)} %`
  return [
    [
      `${percent(prediction.probability)} within 30 days`,
      `as likely as, or likelier than, ${percent(prediction.percentile)} of all`,
    ],
  ]
}

function osvRows({ osv }: IssueRecords): string[][] {
  return osv.flatMap(({ id, withdrawn, affected, severity }) =>
    affected.map((each) => [
      id,
      `${each.ecosystem}/${each.name}`,
      withdrawn === undefined ? [...each.severity, ...severity].map(({ score }) => score).join(' ') : 'withdrawn',
      each.ranges
        .flatMap(({ events }) => events.map(({ kind, version }) => `${kind.replace('_', ' ')} ${version}`))
        .join(', '),
    ]),
  )
}
