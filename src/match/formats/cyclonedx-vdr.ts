import { debPurl, formatCycloneDx, type Inventory } from '#sbom'
import type { VexJustification } from '#vex'
import type { ApplicationFinding, Finding } from '../finding.ts'
import type { Rating } from '../rating.ts'
import { pageOf, type ScanReport, solutionOf, subjectLabel, uuidOf } from './report.ts'

/**
 * Writes a scan as a CycloneDX 1.6 document: the image's SBOM with its vulnerabilities, each with every rating under its
 * publisher's name, what it affects by `bom-ref`, and how it stands (a vulnerability disclosure report).
 */
export function formatCycloneDxVdr(report: ScanReport): string {
  const { tool, inventory, findings, endedAt } = report
  const sbom: Record<string, unknown> = JSON.parse(formatCycloneDx(inventory, { tool: `${tool.name}-${tool.version}` }))
  const refs = refsOf(inventory)
  const vulnerabilities = findings.map((finding) => vulnerability(finding, refs))
  const serial = uuidOf('vdr', inventory.image.digest, endedAt, JSON.stringify(vulnerabilities))
  const document = {
    ...sbom,
    serialNumber: `urn:uuid:${serial}`,
    metadata: { ...objectOf(sbom['metadata']), timestamp: endedAt },
    components: withApplications(listOf(sbom['components']), findings),
    vulnerabilities,
  }
  return `${JSON.stringify(document, null, 1)}\n`
}

/** The purls of a source's binary packages, which are their references in the SBOM. */
function refsOf({ packages, distribution }: Inventory): ReadonlyMap<string, readonly string[]> {
  const refs = new Map<string, string[]>()
  for (const one of packages) {
    const key = `${one.source.name} ${one.source.version}`
    const known = refs.get(key) ?? []
    known.push(debPurl(one, distribution))
    refs.set(key, known)
  }
  return refs
}

/** What is affected must be a component of the document: packages that the SBOM has not are added. */
function withApplications(components: readonly unknown[], findings: readonly Finding[]): readonly unknown[] {
  const known = new Set(components.map((component) => objectOf(component)['bom-ref']))
  const missing = new Map<string, ApplicationFinding>()
  for (const finding of findings) {
    if (finding.kind === 'application' && !known.has(finding.purl)) missing.set(finding.purl, finding)
  }
  return [
    ...components,
    ...[...missing.values()].map(({ purl, name, version, paths }) => ({
      'bom-ref': purl,
      type: 'library',
      name,
      version,
      purl,
      evidence: { occurrences: paths.map((location) => ({ location })) },
    })),
  ]
}

function vulnerability(finding: Finding, refs: ReadonlyMap<string, readonly string[]>) {
  const { cve, aliases, ratings, description, evidence, epss, isExploited } = finding
  const affected =
    finding.kind === 'application' ? [finding.purl] : (refs.get(`${finding.source} ${finding.sourceVersion}`) ?? [])
  const recommendation = solutionOf(finding)
  const page = pageOf(cve)
  const properties: readonly (readonly [string, string | undefined])[] = [
    ['casemate:status', finding.status],
    ['casemate:fixed-in', finding.fixedIn],
    ['casemate:evidence:origin', evidence.origin],
    ['casemate:evidence:place', evidence.place],
    ['casemate:evidence:comparison', evidence.comparison],
    ['casemate:epss:first', epss === undefined ? undefined : String(epss)],
    ['casemate:kev:cisa', isExploited ? 'exploited' : undefined],
    ['casemate:suppressed-by', finding.suppression?.place],
  ]
  return {
    'bom-ref': `${cve}:${subjectLabel(finding)}:${uuidOf(...affected).slice(0, 8)}`,
    id: cve,
    source: {
      name: finding.kind === 'debian' ? 'Debian' : 'OSV',
      ...(page === undefined ? {} : { url: page }),
    },
    ...(aliases.length === 0 ? {} : { references: aliases.map((id) => ({ id, source: { name: publisherOf(id) } })) }),
    ratings: ratings.map(ratingOf),
    ...(description === '' ? {} : { description }),
    ...(recommendation === undefined ? {} : { recommendation }),
    analysis: analysisOf(finding),
    affects: affected.map((ref) => ({ ref })),
    properties: properties.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }])),
  }
}

function ratingOf({ source, method, severity, score, basis }: Rating) {
  const said = method === 'other' ? { justification: basis } : { vector: basis }
  return { source: { name: source }, ...(score === undefined ? {} : { score }), severity, method, ...said }
}

/** OpenVEX's justifications in the words of CycloneDX, where it has one. */
const JUSTIFICATIONS: Readonly<Partial<Record<VexJustification, string>>> = {
  component_not_present: 'code_not_present',
  vulnerable_code_not_present: 'code_not_present',
  vulnerable_code_not_in_execute_path: 'code_not_reachable',
  inline_mitigations_already_exist: 'protected_by_mitigating_control',
}

/**
 * How it stands in this image (CycloneDX 1.6, `analysis`). The publisher's word is no analysis of the image, so the state is
 * "in triage"; what the owner suppressed is accepted, which is not "not affected"; what a VEX statement says is said as it is.
 */
function analysisOf({ status, note, suppression, fixedIn }: Finding) {
  const word = note === undefined ? `${status}, by its publisher` : `${status}, by its publisher: ${note}`
  if (suppression === undefined) {
    const response = fixedIn === undefined ? (status === 'ignored' ? ['will_not_fix'] : undefined) : ['update']
    return { state: 'in_triage', ...(response === undefined ? {} : { response }), detail: word }
  }
  const { statement, owner, expires } = suppression
  if (suppression.by === 'vex') {
    const { status, justification } = suppression.vex
    const reason = justification === undefined ? undefined : JUSTIFICATIONS[justification]
    return {
      state: status === 'fixed' ? 'resolved' : 'not_affected',
      ...(reason === undefined ? {} : { justification: reason }),
      detail: `VEX by ${owner}: ${statement} (${word})`,
    }
  }
  const by = owner === undefined ? '' : `, by ${owner}`
  const until = expires === undefined ? '' : `, until ${expires}`
  return { state: 'exploitable', response: ['will_not_fix'], detail: `accepted${by}${until}: ${statement} (${word})` }
}

function publisherOf(id: string): string {
  return id.startsWith('GHSA-') ? 'GitHub' : id.startsWith('CVE-') ? 'CVE' : 'OSV'
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
