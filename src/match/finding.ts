import type { Evidence } from '#advisory'
import type { DebVersion } from '#debian'
import type { ApplicationComponent } from '#sbom'
import type { VexJustification } from '#vex'
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
export type Suppression = RuleSuppression | VexSuppression

/** A rule of an ignore file: its owner accepts the finding. */
export interface RuleSuppression {
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

/** A VEX statement: who makes it says that the finding does no harm. */
export interface VexSuppression {
  readonly by: 'vex'
  /** The document's file. */
  readonly place: string
  /** The statement's own words. */
  readonly statement: string
  /** The document's author, and whether a key that is trusted has signed it. */
  readonly owner: string
  readonly expires?: never
  readonly vex: {
    readonly status: 'not_affected' | 'fixed'
    readonly justification?: VexJustification
    /** RFC 3339. */
    readonly timestamp: string
    /** The document's id. */
    readonly document: string
    /** Fingerprints of the keys that verified it; empty where nobody signed. */
    readonly signers: readonly string[]
  }
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

/** An issue of a source package that an image does not have, and who says so. */
export interface SettledIssue
  extends Pick<DebianFinding, 'cve' | 'source' | 'sourceVersion' | 'packages' | 'note' | 'evidence'> {
  /** `not-affected`: Debian says that the release never had it. `has-fix`: the installed version is as new as its fix. */
  readonly reason: 'not-affected' | 'has-fix'
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
