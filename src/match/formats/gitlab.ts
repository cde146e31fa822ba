import type { Finding } from '../finding.ts'
import { subjectOf } from '../finding.ts'
import { leadingRating, type Severity } from '../rating.ts'
import { factsOf, pageOf, type ScanReport, solutionOf, statementOf, subjectLabel, uuidOf } from './report.ts'

const SEVERITY_WORDS: Readonly<Record<Severity, string>> = {
  critical: 'Critical',
  high: 'High',
  medium: 'Medium',
  low: 'Low',
  info: 'Info',
  none: 'Info',
  unknown: 'Unknown',
}

/**
 * Writes a scan as a container scanning report of GitLab (security report schemas, 15.0.4). The report has no word for a
 * finding that is suppressed: those are left out, and a message says how many.
 */
export function formatGitlab(report: ScanReport): string {
  const { tool, findings, notices } = report
  const maker = { id: tool.name, name: 'Casemate', version: tool.version, vendor: { name: 'Casemate' } }
  const counted = findings.filter(({ suppression }) => suppression === undefined)
  const suppressed = findings.length - counted.length
  const messages = suppressed === 0 ? notices : [...notices, `${suppressed} suppressed findings are left out`]
  const document = {
    version: '15.0.4',
    scan: {
      type: 'container_scanning',
      status: 'success',
      start_time: report.startedAt.slice(0, 19),
      end_time: report.endedAt.slice(0, 19),
      analyzer: maker,
      scanner: maker,
      messages: messages.map((value) => ({ level: 'warn', value })),
    },
    vulnerabilities: counted.map((finding) => vulnerability(finding, report)),
  }
  return `${JSON.stringify(document, null, 2)}\n`
}

function vulnerability(finding: Finding, { reference, inventory, release }: ScanReport) {
  const { name, version } = subjectOf(finding)
  const solution = solutionOf(finding)
  const { id = 'debian', versionId = '' } = inventory.distribution ?? {}
  const details = factsOf(finding).map(([fact, value], index) => [
    `fact${String(index).padStart(2, '0')}`,
    { type: 'text', name: fact, value },
  ])
  return {
    id: uuidOf('gitlab', inventory.image.name, finding.cve, subjectLabel(finding), version),
    name: `${finding.cve} in ${name}`.slice(0, 255),
    description: finding.description === '' ? statementOf(finding) : finding.description,
    severity: SEVERITY_WORDS[leadingRating(finding.ratings)?.severity ?? 'unknown'],
    ...(solution === undefined ? {} : { solution: solution.slice(0, 7000) }),
    identifiers: [finding.cve, ...finding.aliases].map(identifier),
    links: [finding.cve, ...finding.aliases].flatMap((alias) => {
      const url = pageOf(alias)
      return url === undefined ? [] : [{ name: alias, url }]
    }),
    details: Object.fromEntries(details),
    location: {
      dependency: { package: { name }, version },
      operating_system: `${id}:${versionId === '' ? release : versionId}`,
      image: reference,
    },
  }
}

/** `cve` and `ghsa` are words that GitLab groups by. */
function identifier(name: string) {
  const url = pageOf(name)
  const type = /^[A-Za-z]+/.exec(name)?.[0].toLowerCase() ?? 'casemate'
  return { type, name, value: name, ...(url === undefined ? {} : { url }) }
}
