import { type FindingChange, subjectOf } from '#match'
import type { DiffFindings, KnownFindings } from './diff-findings.ts'
import type { DiffSection } from './diff-page.ts'
import { isListed, label, severityText, statusText } from './scan-page.ts'
import { visibleText } from './visible-text.ts'

/** Lists what a second image has that the first has not, and the reverse; what Debian calls minor is left to the notes. */
export function findingSections(findings: DiffFindings): readonly DiffSection[] {
  if (!findings.isKnown) return []
  const { opened, closed } = findings.comparison
  const section = (word: string, changes: readonly FindingChange[], rowOf: (one: FindingChange) => string[]) => {
    const listed = changes.filter(({ finding }) => isListed(finding, {}))
    const head = ['severity', 'issue', 'package', 'version', ...(word === 'opened' ? ['status'] : []), 'because']
    const rows = listed.map((change) => [...subjectRow(change), ...rowOf(change)].map(visibleText))
    return { kind: 'findings', title: `Findings ${word} (${listed.length})`, head, rows } as const
  }
  return [
    section('opened', opened, (change) => [standing(change), openedBecause(change)]),
    section('closed', closed, (change) => [closedBecause(change)]),
  ]
}

/** A part of the page's first line; empty where findings are not compared. */
export function findingSummary(findings: DiffFindings): string {
  if (!findings.isKnown) return ''
  const { opened, closed, remaining } = findings.comparison
  const left = remaining.filter((finding) => isListed(finding, {}))
  const fixable = left.filter(({ status }) => status === 'fixed').length
  const counts = [
    ...[closed, opened].map((changes) => changes.filter(({ finding }) => isListed(finding, {})).length),
    left.length,
  ]
  const words = ['closed', 'opened', fixable === 0 ? 'still open' : `still open (${fixable} fixable now)`]
  const parts = words.flatMap((word, index) => (counts[index] === 0 ? [] : [`${counts[index]} ${word}`]))
  return parts.length === 0 ? 'no findings' : `findings: ${parts.join(', ')}`
}

/** On what findings rest, or why there are none; and how many the lists leave out. */
export function findingNotes(findings: DiffFindings): readonly string[] {
  if (!findings.isKnown) return [visibleText(`Findings are not compared: ${findings.reason}.`)]
  const { opened, closed } = findings.comparison
  const minor = [opened, closed].map((changes) => changes.filter(({ finding }) => !isListed(finding, {})).length)
  const [more = 0, less = 0] = minor
  const left =
    more + less === 0 ? '' : ` Not listed: ${less} closed and ${more} opened that Debian calls unimportant or ignores.`
  return [visibleText(`Findings by ${evidenceText(findings)}.${left}`)]
}

function evidenceText({ evidence, parts, releases }: KnownFindings): string {
  const places = releases.from === releases.to ? releases.from : `${releases.from} and ${releases.to}`
  const dated = parts.map(({ kind, contentDate }) => `${kind} of ${contentDate.slice(0, 10)}`).join(', ')
  if (evidence === 'advisories') return `the advisories for ${places}: ${dated}`
  return `what the archive of ${places} has newer versions for; issues that have no update are not seen`
}

function subjectRow({ finding }: FindingChange): string[] {
  const severity = [severityText(finding.ratings), ...(finding.isExploited ? ['exploited'] : [])].filter(Boolean)
  return [severity.join(', '), finding.cve, label(finding), subjectOf(finding).version]
}

function standing({ finding }: FindingChange): string {
  return finding.fixedIn === undefined ? statusText(finding) : `fixed in ${finding.fixedIn}`
}

function openedBecause({ cause, others }: FindingChange): string {
  if (cause === 'presence') return 'the package is new'
  return cause === 'version' ? `the version was ${others.join(', ')}` : 'the release is another'
}

function closedBecause({ cause, others, settled }: FindingChange): string {
  if (cause === 'presence') return 'the package is gone'
  if (cause === 'release') return 'the release is another'
  const verdict = settled === undefined ? '' : settled.reason === 'has-fix' ? ', which has the fix' : ', not affected'
  return `the version is ${others.join(', ')}${verdict}`
}
