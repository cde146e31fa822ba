import type { AdvisoryStore } from '#advisory'
import type { DebVersion } from '#debian'
import type { DebComponent, Inventory } from '#sbom'
import { MatchError } from './errors.ts'
import { compareFindings, type Finding, type SettledIssue } from './finding.ts'
import { announcedFixes, judgeAnnouncement, judgeStatement, type Verdict } from './judge.ts'

/** What matching asks of advisories. Absent answers mean "unknown". */
export type MatchAdvisories = Pick<
  AdvisoryStore,
  'parts' | 'debianStatements' | 'announcements' | 'exploited' | 'prediction'
>

/** What came of holding packages against advisories. */
export interface Matches {
  /** In the order of `compareFindings`; one per issue, source package and installed source version. */
  readonly findings: readonly Finding[]
  /** How many source packages the image has. */
  readonly sources: number
  /** Those of which the tracker says nothing in this release, sorted. That is not "not affected". */
  readonly silent: readonly string[]
  /** Issues that the image does not have because Debian says that the release is not affected. */
  readonly notAffected: number
  /** Issues that the image does not have because its version has the fix. */
  readonly hasFix: number
  /** The issues that `notAffected` and `hasFix` count, in the order of packages and records. */
  readonly settled: readonly SettledIssue[]
}

/** What an inventory says of an image as a whole. */
interface ScannedImage extends Pick<Inventory, 'distribution'> {
  readonly image: Pick<Inventory['image'], 'name' | 'digest'>
  readonly packages: readonly unknown[]
}

interface SourcePackage {
  readonly name: string
  readonly version: DebVersion
  readonly packages: readonly string[]
}

/** What is said of one issue, whoever says it. */
interface Said extends Pick<Finding, 'cve' | 'urgency' | 'note' | 'description' | 'evidence'> {
  readonly verdict: Verdict
}

/**
 * The codename of the Debian release that an image says it is. Throws `MATCH_RELEASE_UNKNOWN` when it says none, and
 * `MATCH_PACKAGES_MISSING` when it has no packages: then the absence of findings would mean nothing.
 */
export function releaseOf({ image, distribution, packages }: ScannedImage): string {
  const refuse = (reason: string) =>
    new MatchError('MATCH_RELEASE_UNKNOWN', `cannot scan ${image.name} (${image.digest}): ${reason}`)
  if (distribution === undefined) throw refuse('it has no os-release that names a distribution')
  if (distribution.id !== 'debian') throw refuse(`it is ${distribution.id}, want debian`)
  if (distribution.codename === undefined) throw refuse('its os-release names no codename, such as trixie')
  if (packages.length === 0) {
    const reason = 'it has no package database with installed packages'
    throw new MatchError('MATCH_PACKAGES_MISSING', `cannot scan ${image.name} (${image.digest}): ${reason}`)
  }
  return distribution.codename
}

/**
 * Holds the source packages of an image against what Debian says of them in a release. The tracker's statement decides;
 * where it has none on an issue, DSAs and DLAs do. Versions are those of source packages, ordered as dpkg does.
 */
export function matchPackages(
  packages: readonly Pick<DebComponent, 'name' | 'source'>[],
  release: string,
  advisories: MatchAdvisories,
): Matches {
  const findings: Finding[] = []
  const settled: SettledIssue[] = []
  const silent = new Set<string>()
  const names = new Set<string>()
  for (const source of sourcesOf(packages)) {
    names.add(source.name)
    const stated = statedIssues(source, release, advisories)
    if (stated.length === 0) silent.add(source.name)
    const known = new Set(stated.map(({ cve }) => cve))
    const announced = announcedIssues(source, release, advisories).filter(({ cve }) => !known.has(cve))
    for (const said of [...stated, ...announced]) {
      const { verdict } = said
      if (verdict.kind === 'finding') findings.push(findingOf(source, { ...said, verdict }, advisories))
      else settled.push(settledIssue(source, { ...said, verdict }))
    }
  }
  return {
    findings: findings.sort(compareFindings),
    sources: names.size,
    silent: [...silent].sort(),
    notAffected: settled.filter(({ reason }) => reason === 'not-affected').length,
    hasFix: settled.filter(({ reason }) => reason === 'has-fix').length,
    settled,
  }
}

/** The source packages of binary packages; one that is there in two versions counts as two. */
function sourcesOf(packages: readonly Pick<DebComponent, 'name' | 'source'>[]): readonly SourcePackage[] {
  const sources = new Map<string, { name: string; version: DebVersion; packages: Set<string> }>()
  for (const { name, source } of packages) {
    const key = `${source.name} ${source.version}`
    const known = sources.get(key) ?? { ...source, packages: new Set() }
    known.packages.add(name)
    sources.set(key, known)
  }
  return [...sources.values()].map((source) => ({ ...source, packages: [...source.packages].sort() }))
}

function statedIssues({ name, version }: SourcePackage, release: string, advisories: MatchAdvisories): Said[] {
  return advisories.debianStatements(name, release).map((statement) => {
    const { cve, description, urgency, note, evidence } = statement
    const verdict = judgeStatement(version, statement)
    return { cve, description, urgency, ...(note === undefined ? {} : { note }), evidence, verdict }
  })
}

function announcedIssues({ name, version }: SourcePackage, release: string, advisories: MatchAdvisories): Said[] {
  const fixes = announcedFixes(advisories.announcements(name), name, release)
  return [...fixes].map(([cve, { announcement, fix }]) => {
    const kind = announcement.id.startsWith('DLA') ? 'dla' : 'dsa'
    const origin = advisories.parts.find((part) => part.kind === kind)?.origin ?? kind
    const evidence = { origin, place: `${announcement.id}/${name}/${release}` }
    const note = fix.word === undefined ? {} : { note: `${announcement.id} says ${fix.word}` }
    return { cve, description: announcement.title, ...note, evidence, verdict: judgeAnnouncement(version, fix) }
  })
}

function settledIssue(
  { name, version, packages }: SourcePackage,
  { cve, note, evidence, verdict }: Said & { verdict: { kind: SettledIssue['reason'] } },
): SettledIssue {
  const comparison = verdict.kind === 'has-fix' ? { comparison: verdict.comparison } : {}
  return {
    ...{ cve, source: name, sourceVersion: version, packages, reason: verdict.kind },
    ...(note === undefined ? {} : { note }),
    evidence: { ...evidence, ...comparison },
  }
}

function findingOf(
  { name, version, packages }: SourcePackage,
  { verdict, evidence, ...said }: Said & { verdict: { kind: 'finding' } },
  advisories: MatchAdvisories,
): Finding {
  const epss = advisories.prediction(said.cve)?.probability
  const isFixed = verdict.status === 'fixed'
  return {
    ...said,
    source: name,
    sourceVersion: version,
    packages,
    status: verdict.status,
    ...(isFixed ? { fixedIn: verdict.fixedIn } : {}),
    isExploited: advisories.exploited(said.cve) !== undefined,
    ...(epss === undefined ? {} : { epss }),
    evidence: isFixed ? { ...evidence, comparison: verdict.comparison } : evidence,
  }
}
