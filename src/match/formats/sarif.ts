import type { Log, ReportingDescriptor, Result } from 'sarif'
import type { Finding } from '../finding.ts'
import { leadingRating, type Severity } from '../rating.ts'
import { factsOf, fingerprint, pageOf, type ScanReport, solutionOf, statementOf, subjectLabel } from './report.ts'

/** Where code scanning has a number only, a word gets the lowest number that is shown as that word. */
const LOWEST: Readonly<Record<Severity, string | undefined>> = {
  critical: '9.0',
  high: '7.0',
  medium: '4.0',
  low: '0.1',
  info: '0.0',
  none: '0.0',
  unknown: undefined,
}

const LEVELS: Readonly<Record<Severity, Result.level>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'note',
  info: 'note',
  none: 'note',
  unknown: 'warning',
}

/**
 * Writes a scan as SARIF 2.1.0 in the form that code scanning takes: a rule for each issue of a package, with help and
 * `security-severity`, a result for each finding, with a place relative to the repository and a fingerprint that stays the
 * same until the finding is gone. Suppressed findings carry their reason.
 */
export function formatSarif(report: ScanReport): string {
  const { tool, findings, inventory, notices, startedAt, endedAt } = report
  const rules = new Map<string, ReportingDescriptor>()
  for (const finding of findings) {
    if (!rules.has(ruleId(finding))) rules.set(ruleId(finding), ruleOf(finding))
  }
  const places = new Map([...rules.keys()].map((id, index) => [id, index]))
  const log: Log = {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: tool.name, semanticVersion: tool.version, rules: [...rules.values()] } },
        automationDetails: { id: `${tool.name}/${inventory.image.name}/` },
        invocations: [
          {
            executionSuccessful: true,
            startTimeUtc: startedAt,
            endTimeUtc: endedAt,
            toolExecutionNotifications: notices.map((text) => ({ level: 'warning', message: { text } })),
          },
        ],
        columnKind: 'utf16CodeUnits',
        properties: { image: report.reference, digest: inventory.image.digest, release: report.release },
        results: findings.map((finding) => resultOf(finding, report, places.get(ruleId(finding)) ?? 0)),
      },
    ],
  }
  return `${JSON.stringify(log, null, 2)}\n`
}

/** `CVE-2026-1000-openssl`: alerts are opened and closed by package. */
function ruleId(finding: Finding): string {
  return `${finding.cve}-${subjectLabel(finding).replace(':', '-')}`
}

function ruleOf(finding: Finding): ReportingDescriptor {
  const { cve, aliases, ratings, description } = finding
  const page = pageOf(cve)
  const leading = leadingRating(ratings)
  const number = leading?.score?.toFixed(1) ?? (leading === undefined ? undefined : LOWEST[leading.severity])
  return {
    id: ruleId(finding),
    name: cve,
    shortDescription: { text: `${cve} in ${subjectLabel(finding)}` },
    fullDescription: { text: description === '' ? `${cve} in ${subjectLabel(finding)}` : description.slice(0, 1000) },
    ...(page === undefined ? {} : { helpUri: page }),
    help: helpOf(finding),
    defaultConfiguration: { level: levelOf(finding) },
    properties: {
      precision: finding.status === 'undetermined' ? 'low' : 'very-high',
      tags: [
        'security',
        'vulnerability',
        finding.status,
        ...(finding.isExploited ? ['exploited'] : []),
        ...aliases,
      ].slice(0, 20),
      ...(number === undefined ? {} : { 'security-severity': number, 'security-severity-source': leading?.source }),
    },
  }
}

function helpOf(finding: Finding): { text: string; markdown: string } {
  const facts = factsOf(finding)
  const page = pageOf(finding.cve)
  const solution = solutionOf(finding)
  const lead = [finding.description, solution].filter((text) => text !== undefined && text !== '')
  return {
    text: [...lead, ...facts.map(([name, value]) => `${name}: ${value}`), page ?? ''].join('\n').trimEnd(),
    markdown: [
      ...lead.map((text) => `${markdownText(text ?? '')}\n`),
      '| | |\n|---|---|',
      ...facts.map(([name, value]) => `| ${name} | ${markdownText(value)} |`),
      ...(page === undefined ? [] : [`\n[${finding.cve}](${page})`]),
    ].join('\n'),
  }
}

function resultOf(finding: Finding, { inventory, reference }: ScanReport, ruleIndex: number): Result {
  const { name } = inventory.image
  const { suppression } = finding
  const path = finding.kind === 'application' ? `${name}/${finding.paths[0] ?? ''}` : name
  const id = ruleId(finding)
  return {
    ruleId: id,
    ruleIndex,
    level: levelOf(finding),
    // Brackets would begin a link (SARIF 2.1.0, clause 3.11.6).
    message: { text: statementOf(finding).replace(/[\\[\]]/g, '\\$&') },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: relativeUri(path) },
          region: { startLine: 1, startColumn: 1, endLine: 1, endColumn: 1 },
        },
        message: { text: `${reference.replace(/[\\[\]]/g, '\\$&')}: ${subjectLabel(finding)}` },
        logicalLocations: [{ fullyQualifiedName: `${name}/${subjectLabel(finding)}`, kind: 'package' }],
      },
    ],
    partialFingerprints: { primaryLocationLineHash: `${fingerprint(name, id, relativeUri(path))}:1` },
    ...(suppression === undefined
      ? {}
      : { suppressions: [{ kind: 'external', status: 'accepted', justification: suppression.statement }] }),
    properties: { status: finding.status, evidence: finding.evidence, ratings: finding.ratings },
  }
}

/** What is exploited is an error whatever its score; what the publisher holds to be harmless is a note. */
function levelOf({ isExploited, status, ratings }: Finding): Result.level {
  if (isExploited) return 'error'
  if (status === 'unimportant' || status === 'ignored') return 'note'
  return LEVELS[leadingRating(ratings)?.severity ?? 'unknown']
}

/** A reference relative to the repository's root (RFC 3986, clause 4.2), never out of it. */
function relativeUri(path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.' && segment !== '..')
  return segments.map(encodeURIComponent).join('/')
}

/** A text from outside within a table of Markdown: nothing of it is markup. */
function markdownText(text: string): string {
  return text.replace(/[\\`*_[\]<>|#~]/g, '\\$&').replace(/\s+/g, ' ')
}
