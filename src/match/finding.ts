import type { Evidence } from '#advisory'
import type { DebVersion } from '#debian'
import type { ApplicationComponent } from '#sbom'
import type { Rating } from './rating.ts'

/**
 * How an issue stands, in Debian's words; most urgent to act on first. `fixed`: a version that fixes it is out and the
 * installed one is older. `no-dsa`, `postponed` and `ignored` are open without an advisory of their own, for three
 * different reasons; `unimportant` is open and held to be harmless. None of them means "not affected".
 */
export const FINDING_STATUSES = [
  'fixed',
  'open',
  'end-of-life',
  'undetermined',
  'postponed',
  'no-dsa',
  'ignored',
  'unimportant',
] as const

/** One of `FINDING_STATUSES`. */
export type FindingStatus = (typeof FINDING_STATUSES)[number]

/** Where it is said, and the comparison that it rests on. */
export interface FindingEvidence extends Evidence {
  /** `3.5.1-1 << 3.5.7-1~deb13u3`; absent where no version was compared. */
  readonly comparison?: string
}

/** Why a finding counts no longer though it is there. */
export interface Suppression {
  readonly by: 'ignore-file'
  /** File and line of the rule. */
  readonly place: string
  /** The owner's own reason. */
  readonly statement: string
  /** Who answers for it; absent where the rule names nobody. */
  readonly owner?: string
  /** The day from which it counts no longer, YYYY-MM-DD; absent where the rule does not end. */
  readonly expires?: string
}

/** What findings of all kinds say. */
export interface FindingFacts {
  /** A CVE; the id of the announcement or of the OSV document where that names no CVE. */
  readonly cve: string
  /** Other names of the same issue, sorted. */
  readonly aliases: readonly string[]
  readonly status: FindingStatus
  /** The publisher's own reason for the status. */
  readonly note?: string
  readonly description: string
  /** CISA knows of exploits. */
  readonly isExploited: boolean
  /** FIRST's probability of exploits in the next 30 days, from 0 to 1; absent where it gives none. */
  readonly epss?: number
  /** How severe it is, by everybody who says so; in the order of `compareRatings`. */
  readonly ratings: readonly Rating[]
  readonly evidence: FindingEvidence
  /** Absent where the finding counts. */
  readonly suppression?: Suppression
}

/** An issue of a Debian source package that an image has. */
export interface DebianFinding extends FindingFacts {
  readonly kind: 'debian'
  readonly source: string
  /** Of the source package: a rebuild's `+bN` is none of it. */
  readonly sourceVersion: DebVersion
  /** The binary packages of that source in the image, sorted. */
  readonly packages: readonly string[]
  /** With `fixed`, and only there. */
  readonly fixedIn?: DebVersion
  /** The tracker's urgency as it stands there; absent where an announcement is the only record. */
  readonly urgency?: string
}

/** An issue of a package of a language's own package manager. */
export interface ApplicationFinding extends FindingFacts {
  readonly kind: 'application'
  readonly ecosystem: ApplicationComponent['ecosystem']
  readonly name: string
  readonly version: string
  readonly purl: string
  /** Where in the image that version lies, sorted. */
  readonly paths: readonly string[]
  /** With `fixed`, and only there: the lowest version above the installed one that a range names. */
  readonly fixedIn?: string
}

/** An issue of something that an image has. */
export type Finding = DebianFinding | ApplicationFinding

/** What a finding is about: the source package, or the application package. */
export function subjectOf(finding: Finding): { readonly name: string; readonly version: string } {
  if (finding.kind === 'application') return { name: finding.name, version: finding.version }
  return { name: finding.source, version: finding.sourceVersion }
}

/**
 * Orders findings as people act on them: by `FINDING_STATUSES`, then exploited ones, the likelier ones, and by CVE, name
 * and version.
 */
export function compareFindings(left: Finding, right: Finding): number {
  const [one, other] = [subjectOf(left), subjectOf(right)]
  return (
    FINDING_STATUSES.indexOf(left.status) - FINDING_STATUSES.indexOf(right.status) ||
    Number(right.isExploited) - Number(left.isExploited) ||
    (right.epss ?? -1) - (left.epss ?? -1) ||
    compareTexts(left.cve, right.cve) ||
    compareTexts(one.name, other.name) ||
    compareTexts(one.version, other.version)
  )
}

function compareTexts(left: string, right: string): number {
  return left < right ? -1 : Number(left > right)
}
