import type { AdvisoryStore, DebianStatement } from '#advisory'
import { Recent } from '#core'
import type { DebVersion } from '#debian'
import type { DebComponent, Inventory } from '#sbom'
import { MatchError } from './errors.ts'
import { compareFindings, type DebianFinding, type SettledIssue } from './finding.ts'
import { issueFacts } from './issue-facts.ts'
import { announcedFixes, judgeAnnouncement, judgeStatement, overrules, type Verdict } from './judge.ts'

/** What matching asks of advisories. Absent answers mean "unknown". */
export type MatchAdvisories = Pick<
  AdvisoryStore,
  'parts' | 'debianStatements' | 'announcements' | 'exploited' | 'prediction' | 'osv' | 'osvAbout'
>

/** What came of holding packages against advisories. */
export interface Matches {
  /** In the order of `compareFindings`; one per issue, source package and installed source version. */
  readonly findings: readonly DebianFinding[]
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

/** A source package of an image, with its binary packages there, sorted. */
export interface SourcePackage {
  readonly name: string
  readonly version: DebVersion
  readonly packages: readonly string[]
}

/** What is said of one issue, whoever says it. */
interface Said extends Pick<DebianFinding, 'cve' | 'urgency' | 'note' | 'description' | 'evidence'> {
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
 * where it has none on an issue, or its data are older than an announcement that names a fix it does not know, DSAs and
 * DLAs do. Versions are those of source packages, ordered as dpkg does.
 */
export function matchPackages(
  packages: readonly Pick<DebComponent, 'name' | 'source'>[],
  release: string,
  advisories: MatchAdvisories,
): Matches {
  const findings: DebianFinding[] = []
  const settled: SettledIssue[] = []
  const silent = new Set<string>()
  const names = new Set<string>()
  const known = matchedIn(advisories)
  for (const source of sourcesOf(packages)) {
    names.add(source.name)
    const key = JSON.stringify([release, source.name, source.version, source.packages])
    const matched = known.provide(key, () => matchSource(source, release, advisories))
    if (matched.isSilent) silent.add(source.name)
    findings.push(...matched.findings)
    settled.push(...matched.settled)
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

/** What came of one source package. */
interface MatchedSource {
  readonly findings: readonly DebianFinding[]
  readonly settled: readonly SettledIssue[]
  /** Whether the tracker says nothing of it. */
  readonly isSilent: boolean
}

/** Sources of a few thousand packages: who holds many images against the same advisories holds each source once. */
const SOURCES = 5000
const matchedBy = new WeakMap<MatchAdvisories, Recent<string, MatchedSource>>()

function matchedIn(advisories: MatchAdvisories): Recent<string, MatchedSource> {
  const known = matchedBy.get(advisories) ?? new Recent<string, MatchedSource>(SOURCES)
  matchedBy.set(advisories, known)
  return known
}

function matchSource(source: SourcePackage, release: string, advisories: MatchAdvisories): MatchedSource {
  const findings: DebianFinding[] = []
  const settled: SettledIssue[] = []
  const statements = advisories.debianStatements(source.name, release)
  for (const said of saidOf(source, release, { statements, advisories })) {
    const { verdict } = said
    if (verdict.kind === 'finding') findings.push(findingOf(source, { ...said, verdict }, advisories))
    else settled.push(settledIssue(source, { ...said, verdict }))
  }
  return { findings, settled, isSilent: statements.length === 0 }
}

/** The source packages of binary packages; one that is there in two versions counts as two. */
export function sourcesOf(packages: readonly Pick<DebComponent, 'name' | 'source'>[]): readonly SourcePackage[] {
  const sources = new Map<string, { name: string; version: DebVersion; packages: Set<string> }>()
  for (const { name, source } of packages) {
    const key = `${source.name} ${source.version}`
    const known = sources.get(key) ?? { ...source, packages: new Set() }
    known.packages.add(name)
    sources.set(key, known)
  }
  return [...sources.values()].map((source) => ({ ...source, packages: [...source.packages].sort() }))
}

interface SaidBy {
  readonly statements: readonly DebianStatement[]
  readonly advisories: MatchAdvisories
}

/** What decides on each issue of a source package: its statement, or its announcement. */
function saidOf({ name, version }: SourcePackage, release: string, { statements, advisories }: SaidBy): Said[] {
  const fixes = new Map(announcedFixes(advisories.announcements(name), name, release))
  const trackerDate = advisories.parts.find(({ kind }) => kind === 'tracker')?.contentDate
  const stated: Said[] = []
  for (const statement of statements) {
    const { cve, description, urgency, note, evidence } = statement
    const announced = fixes.get(cve)
    if (announced !== undefined && overrules(announced, statement, trackerDate)) continue
    fixes.delete(cve)
    const verdict = judgeStatement(version, statement)
    stated.push({ cve, description, urgency, ...(note === undefined ? {} : { note }), evidence, verdict })
  }
  const announced = [...fixes].map(([cve, { announcement, fix }]) => {
    const kind = announcement.id.startsWith('DLA') ? 'dla' : 'dsa'
    const origin = advisories.parts.find((part) => part.kind === kind)?.origin ?? kind
    const evidence = { origin, place: `${announcement.id}/${name}/${release}` }
    const note = fix.word === undefined ? {} : { note: `${announcement.id} says ${fix.word}` }
    return { cve, description: announcement.title, ...note, evidence, verdict: judgeAnnouncement(version, fix) }
  })
  return [...stated, ...announced]
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
): DebianFinding {
  const isFixed = verdict.status === 'fixed'
  return {
    kind: 'debian',
    ...said,
    ...issueFacts(said.cve, said.urgency, advisories),
    source: name,
    sourceVersion: version,
    packages,
    status: verdict.status,
    ...(isFixed ? { fixedIn: verdict.fixedIn } : {}),
    evidence: isFixed ? { ...evidence, comparison: verdict.comparison } : evidence,
  }
}
