import type { AdvisoryStore } from '#advisory'
import {
  type ArchivePackage,
  type ChangelogEntry,
  type Changes,
  compareVersions,
  type DebVersion,
  type Universe,
} from '#debian'
import type { DebComponent } from '#sbom'
import { compareFindings, type DebianFinding, type SettledIssue } from './finding.ts'
import { issueFacts } from './issue-facts.ts'
import { type Matches, sourcesOf } from './match.ts'

/** A source package of an image of which the archive has a newer version. */
export interface ArchiveUpdate {
  readonly source: string
  readonly installed: DebVersion
  /** The image's binary packages of it, sorted. */
  readonly packages: readonly string[]
  readonly version: DebVersion
  /** The suite that has it. */
  readonly suite: string
  /** That suite, or another with a version newer than the installed one, is for security updates. */
  readonly isSecurity: boolean
  /** The packages of the new version that the image has older ones of, the smallest file first. */
  readonly candidates: readonly ArchivePackage[]
}

/** What the archive has of an image's packages. */
export interface ArchiveUpdates {
  readonly updates: readonly ArchiveUpdate[]
  /** Every source package of the image, sorted. */
  readonly sources: readonly string[]
  /** Those that the archive does not have, sorted: of them it says nothing. */
  readonly unknown: readonly string[]
}

/**
 * Finds the source packages of which an archive has a newer version, by the image's binary packages and dpkg's order. A
 * rebuild (`+bN`) is no newer source. `securitySuites` names the suites for security updates.
 */
export function archiveUpdates(
  packages: readonly Pick<DebComponent, 'name' | 'source'>[],
  universe: Universe,
  securitySuites: ReadonlySet<string>,
): ArchiveUpdates {
  const updates: ArchiveUpdate[] = []
  const unknown = new Set<string>()
  const sources = sourcesOf(packages)
  for (const { name: source, version: installed, packages: names } of sources) {
    const offered = names.flatMap((name) => universe.versions(name)).filter((each) => each.source.name === source)
    if (offered.length === 0) unknown.add(source)
    const newer = offered.filter((each) => compareVersions(each.source.version, installed) > 0)
    const [first, ...others] = newer
    if (first === undefined) continue
    const newest = others.reduce(
      (best, each) => (compareVersions(each.source.version, best.source.version) > 0 ? each : best),
      first,
    )
    const { version } = newest.source
    updates.push({
      ...{ source, installed, packages: names, version, suite: newest.suite },
      isSecurity: newer.some(({ suite }) => securitySuites.has(suite)),
      candidates: newer.filter((each) => each.source.version === version).sort((one, other) => one.size - other.size),
    })
  }
  const all = [...new Set(sources.map(({ name }) => name))].sort()
  return { updates, sources: all, unknown: [...unknown].sort() }
}

/** The changes that an update brings, or in words why they are not known. */
export type UpdateChanges = Changes | string

/**
 * Makes findings of updates: one for each CVE that a changelog entry between the installed and the new version names. One that
 * an entry of the installed version, or of an older one, names too was fixed there, unless the new entry says that the fix
 * was not whole. An update of a security suite in which none is named is a finding of its own, under suite, source and
 * version; any other is none. Nothing is said of issues without an update.
 */
export function matchUpdates(
  { updates, sources }: ArchiveUpdates,
  changesOf: (update: ArchiveUpdate) => UpdateChanges,
  advisories: Pick<AdvisoryStore, 'exploited' | 'prediction' | 'osvAbout'>,
): Matches {
  const read = updates.map((update) => ({ update, changes: changesOf(update) }))
  const findings = read.flatMap(({ update, changes }) => findingsOf(update, changes, advisories))
  const settled = read.flatMap(({ update, changes }) => settledBy(update, changes))
  return {
    findings: findings.sort(compareFindings),
    sources: sources.length,
    silent: sources,
    notAffected: 0,
    hasFix: settled.length,
    settled,
  }
}

/** What newer entries name and the installed version has the fix of. */
function settledBy({ source, installed, packages, suite }: ArchiveUpdate, changes: UpdateChanges): SettledIssue[] {
  if (typeof changes === 'string') return []
  const fixed = namedIn(changes.before)
  return [...namedIn(changes.entries).values()].flatMap((newer): SettledIssue[] => {
    const older = fixed.get(newer.cve)
    if (older === undefined || newer.isUnfinished) return []
    const evidence = {
      ...{ origin: suite, place: `changelog of ${source} ${older.place}` },
      comparison: `${installed} >= ${older.place}`,
    }
    return [{ cve: newer.cve, source, sourceVersion: installed, packages, reason: 'has-fix', evidence }]
  })
}

function findingsOf(
  update: ArchiveUpdate,
  changes: UpdateChanges,
  advisories: Pick<AdvisoryStore, 'exploited' | 'prediction' | 'osvAbout'>,
): DebianFinding[] {
  const { source, installed, packages, version, suite, isSecurity } = update
  const isKnown = typeof changes !== 'string'
  const common = {
    kind: 'debian',
    source,
    sourceVersion: installed,
    packages,
    status: 'fixed',
    fixedIn: version,
  } as const
  const comparison = `${installed} << ${version}`
  const cut = 'its changelog does not go back to the installed version: older changes are not known'
  const note = isKnown ? (changes.isWhole ? {} : { note: cut }) : { note: changes }
  const named = isKnown ? namedIssues(changes) : []
  if (named.length === 0) {
    if (!isSecurity) return []
    const description = isKnown ? 'a security update whose changelog names no CVE that is new' : 'a security update'
    const evidence = { origin: suite, place: `${source} ${version}`, comparison }
    const known = { aliases: [], isExploited: false, ratings: [] }
    return [{ ...common, cve: `${suite}/${source}/${version}`, ...note, description, ...known, evidence }]
  }
  return named.map(({ cve, place, text }) => ({
    ...common,
    cve,
    ...note,
    description: text,
    ...issueFacts(cve, undefined, advisories),
    evidence: { origin: suite, place: `changelog of ${source} ${place}`, comparison },
  }))
}

/** One CVE, and others of its year by their numbers alone: `CVE-2025-49794, -49795 and -49796`. */
const CVES = /\bCVE-([0-9]{4})-([0-9]{4,19})\b((?:(?:,|\/| and| or| &| )+-[0-9]{4,19}\b)*)/g

/** A CVE that a changelog names, at the newest entry that does, with its line. */
interface NamedIssue {
  readonly cve: string
  readonly place: DebVersion
  readonly text: string
  /** Whether any line that names it says that an earlier fix was not the whole of it. */
  readonly isUnfinished: boolean
}

const UNFINISHED = /\b(?:incomplete|completes?|completed|regression|follow-?up|further|additional|again|properly)\b/i

/** The issues that are to be found: those that the installed version was not given the fix of already. */
function namedIssues({ entries, before }: Changes): readonly NamedIssue[] {
  const fixed = namedIn(before)
  return [...namedIn(entries).values()].filter((one) => !fixed.has(one.cve) || one.isUnfinished)
}

/** Every CVE that entries name, once, by its name. */
function namedIn(entries: readonly ChangelogEntry[]): ReadonlyMap<string, NamedIssue> {
  const named = new Map<string, NamedIssue>()
  for (const { version, lines } of entries) {
    for (const text of lines) {
      for (const cve of cvesIn(text)) {
        const known = named.get(cve) ?? { cve, place: version, text, isUnfinished: false }
        named.set(cve, { ...known, isUnfinished: known.isUnfinished || UNFINISHED.test(text) })
      }
    }
  }
  return named
}

function cvesIn(text: string): string[] {
  return [...text.matchAll(CVES)].flatMap(([, year, first, others = '']) =>
    [first, ...(others.match(/[0-9]+/g) ?? [])].map((number) => `CVE-${year}-${number}`),
  )
}
