import type { OsvRecord } from '#advisory'
import type { ApplicationComponent } from '#sbom'
import { judgeAffected, type RangeVerdict } from './affected-ranges.ts'
import { type ApplicationFinding, compareFindings } from './finding.ts'
import type { MatchAdvisories } from './match.ts'
import { osvRatings } from './rating.ts'
import { versionOrderOf } from './versions/version-order.ts'

/** What came of holding application packages against OSV documents. */
export interface ApplicationMatches {
  /** In the order of `compareFindings`; one per issue, package and version. */
  readonly findings: readonly ApplicationFinding[]
  /** How many versions of packages the image has, wherever they lie and however often. */
  readonly packages: number
  /** Issues that an installed version does not have, by a document about its package. */
  readonly notAffected: number
}

/** One version of a package, with every place where it lies. */
interface InstalledVersion extends Pick<ApplicationComponent, 'ecosystem' | 'name' | 'version' | 'purl'> {
  readonly paths: readonly string[]
}

/** A document with what it says of an installed version. */
interface Judged {
  readonly record: OsvRecord
  readonly verdict: Exclude<RangeVerdict, { readonly kind: 'not-affected' }>
}

/**
 * Holds application packages against OSV documents about them. A document that was withdrawn counts for nothing; documents
 * that name each other, or one CVE, are about one issue and make one finding.
 */
export function matchApplications(
  applications: readonly ApplicationComponent[],
  advisories: MatchAdvisories,
): ApplicationMatches {
  const findings: ApplicationFinding[] = []
  let notAffected = 0
  const installed = installedVersions(applications)
  for (const one of installed) {
    for (const issue of issuesOf(advisories.osv(one.ecosystem, one.name))) {
      const judged = issue.flatMap((record): Judged[] => {
        const verdict = judgeRecord(one, record)
        return verdict.kind === 'not-affected' ? [] : [{ record, verdict }]
      })
      const [decisive] = judged.sort(compareJudged)
      if (decisive === undefined) notAffected++
      else findings.push(findingOf(one, issue, decisive, advisories))
    }
  }
  return { findings: findings.sort(compareFindings), packages: installed.length, notAffected }
}

function installedVersions(applications: readonly ApplicationComponent[]): readonly InstalledVersion[] {
  const versions = new Map<string, { one: ApplicationComponent; paths: Set<string> }>()
  for (const one of applications) {
    const key = JSON.stringify([one.ecosystem, one.name, one.version])
    const known = versions.get(key) ?? { one, paths: new Set() }
    known.paths.add(one.path)
    versions.set(key, known)
  }
  return [...versions.values()].map(({ one: { ecosystem, name, version, purl }, paths }) => ({
    ...{ ecosystem, name, version, purl },
    paths: [...paths].sort(),
  }))
}

/** Documents by issue: those that share a name, over however many steps, are about the same. */
function issuesOf(records: readonly OsvRecord[]): readonly (readonly OsvRecord[])[] {
  const issues: { names: Set<string>; records: OsvRecord[] }[] = []
  for (const record of records.filter(({ withdrawn }) => withdrawn === undefined)) {
    const joined = { names: new Set([record.id, ...record.aliases]), records: [record] }
    for (const known of issues.filter(({ names }) => !names.isDisjointFrom(joined.names))) {
      issues.splice(issues.indexOf(known), 1)
      for (const name of known.names) joined.names.add(name)
      joined.records.unshift(...known.records)
    }
    issues.push(joined)
  }
  return issues.map((issue) => issue.records)
}

/** A document may speak of a package several times, once for each line of releases. */
function judgeRecord({ ecosystem, name, version }: InstalledVersion, { affected }: OsvRecord): RangeVerdict {
  const order = versionOrderOf(ecosystem)
  let found: RangeVerdict = { kind: 'not-affected' }
  for (const each of affected) {
    if (each.ecosystem !== ecosystem || each.name !== name) continue
    const verdict = judgeAffected(version, each, order)
    if (verdict.kind === 'affected') return verdict
    if (verdict.kind === 'undetermined') found = verdict
  }
  return found
}

/** Documents that say where the fix is come first, those that can say nothing last. */
function compareJudged(left: Judged, right: Judged): number {
  const rank = ({ verdict }: Judged) => (verdict.kind === 'undetermined' ? 2 : Number(verdict.fixedIn === undefined))
  return rank(left) - rank(right) || (left.record.id < right.record.id ? -1 : 1)
}

function findingOf(
  one: InstalledVersion,
  issue: readonly OsvRecord[],
  { record, verdict }: Judged,
  advisories: MatchAdvisories,
): ApplicationFinding {
  const names = [...new Set(issue.flatMap(({ id, aliases }) => [id, ...aliases]))].sort()
  const cve = names.find((name) => name.startsWith('CVE-')) ?? record.id
  const epss = advisories.prediction(cve)?.probability
  const evidence = { origin: record.file, place: `${record.id}/${one.ecosystem}/${one.name}` }
  return {
    kind: 'application',
    ...one,
    cve,
    aliases: names.filter((name) => name !== cve),
    ...statusOf(verdict),
    description: record.summary,
    isExploited: names.some((name) => advisories.exploited(name) !== undefined),
    ...(epss === undefined ? {} : { epss }),
    ratings: osvRatings(issue),
    evidence: verdict.kind === 'undetermined' ? evidence : { ...evidence, comparison: verdict.comparison },
  }
}

function statusOf(verdict: Judged['verdict']): Pick<ApplicationFinding, 'status' | 'fixedIn' | 'note'> {
  if (verdict.kind === 'undetermined') return { status: 'undetermined', note: verdict.reason }
  if (verdict.fixedIn === undefined) return { status: 'open' }
  return { status: 'fixed', fixedIn: verdict.fixedIn }
}
