import type { AdvisoryStore } from '#advisory'
import { compareVersions, type DebVersion } from '#debian'
import { leadingRating, type MatchAdvisories, matchPackages, type Rating } from '#match'
import type { Moment } from '../moment.ts'
import { isPolicySeverity, type PolicySeverity } from '../settings/severity.ts'

/** A source package that goes from one version to another. */
export interface SourceMove {
  readonly archive: string
  readonly source: string
  readonly from: DebVersion
  readonly to: DebVersion
}

/** A finding that a newer version closes. */
export interface ClosedFinding {
  /** A CVE; the id of the announcement where that names none. */
  readonly advisory: string
  /** `undefined` where nobody has rated it. */
  readonly severity: PolicySeverity | undefined
  /** CISA knows of exploits. */
  readonly isExploited: boolean
  /** The version of the source package that has the fix; absent where it is not known apart from the newest. */
  readonly fixedIn?: DebVersion
}

/** Says which findings a move closes, in the order of their names. */
export type CloseFindings = (move: SourceMove) => readonly ClosedFinding[]

/** What lets a finding of Debian's become one of an archive: the codename of the release that the archive is of. */
export type ReleaseOfArchive = (archive: string) => string | undefined

/**
 * Answers by advisories: what has a fix that the old version lacks and the new one has. Of archives that are of no release
 * nothing is known, so nothing is closed. Each move is looked up once.
 */
export function closeByAdvisories(advisories: MatchAdvisories, releaseOf: ReleaseOfArchive): CloseFindings {
  const known = new Map<string, readonly ClosedFinding[]>()
  return (move) => {
    const key = `${move.archive} ${move.source} ${move.from} ${move.to}`
    let closed = known.get(key)
    if (closed === undefined) {
      closed = closedBy(move, releaseOf(move.archive), advisories)
      known.set(key, closed)
    }
    return closed
  }
}

function closedBy(
  { source, from, to }: SourceMove,
  release: string | undefined,
  advisories: MatchAdvisories,
): readonly ClosedFinding[] {
  if (release === undefined || from === to) return []
  const installed = { name: source, source: { name: source, version: from } }
  const { findings } = matchPackages([installed], release, advisories)
  return findings
    .filter(({ fixedIn }) => fixedIn !== undefined && compareVersions(fixedIn, to) <= 0)
    .map(({ cve, ratings, isExploited, fixedIn }) => ({
      advisory: cve,
      severity: policySeverity(ratings),
      isExploited,
      ...(fixedIn === undefined ? {} : { fixedIn }),
    }))
    .sort((left, right) => (left.advisory < right.advisory ? -1 : 1))
}

/** The leading rating as policies count it, who know four words: harmless is low, what cannot be read is not rated. */
export function policySeverity(ratings: readonly Rating[]): PolicySeverity | undefined {
  const severity = leadingRating(ratings)?.severity
  if (severity === undefined || severity === 'unknown') return undefined
  return isPolicySeverity(severity) ? severity : 'low'
}

/** Says when an advisory became known, at the earliest that anybody published it; `undefined` where nobody says. */
export type DisclosureOf = (advisory: string) => Moment | undefined

/** Answers by the announcements and OSV documents about it. Days are taken from their beginning, in UTC. */
export function disclosedBy(advisories: Pick<AdvisoryStore, 'issue'>): DisclosureOf {
  const known = new Map<string, Moment | undefined>()
  return (advisory) => {
    if (!known.has(advisory)) {
      const { announcements, osv } = advisories.issue(advisory)
      const dates = [...announcements.map(({ date }) => date), ...osv.flatMap(({ published }) => published ?? [])]
      const times = dates.map((date) => Date.parse(date)).filter((time) => !Number.isNaN(time))
      known.set(advisory, times.length === 0 ? undefined : new Date(Math.min(...times)).toISOString())
    }
    return known.get(advisory)
  }
}
