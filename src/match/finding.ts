import type { Evidence } from '#advisory'
import type { DebVersion } from '#debian'

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

/** An issue of a source package that an image has. */
export interface Finding {
  /** A CVE; the announcement's id where that names no CVE. */
  readonly cve: string
  readonly source: string
  /** Of the source package: a rebuild's `+bN` is none of it. */
  readonly sourceVersion: DebVersion
  /** The binary packages of that source in the image, sorted. */
  readonly packages: readonly string[]
  readonly status: FindingStatus
  /** With `fixed`, and only there. */
  readonly fixedIn?: DebVersion
  /** The tracker's urgency as it stands there; absent where an announcement is the only record. */
  readonly urgency?: string
  /** The publisher's own reason for the status. */
  readonly note?: string
  readonly description: string
  /** CISA knows of exploits. */
  readonly isExploited: boolean
  /** FIRST's probability of exploits in the next 30 days, from 0 to 1; absent where it gives none. */
  readonly epss?: number
  readonly evidence: FindingEvidence
}

/** An issue of a source package that an image does not have, and who says so. */
export interface SettledIssue
  extends Pick<Finding, 'cve' | 'source' | 'sourceVersion' | 'packages' | 'note' | 'evidence'> {
  /** `not-affected`: Debian says that the release never had it. `has-fix`: the installed version is as new as its fix. */
  readonly reason: 'not-affected' | 'has-fix'
}

/**
 * Orders findings as people act on them: by `FINDING_STATUSES`, then exploited ones, the likelier ones, and by CVE, source
 * and version.
 */
export function compareFindings(left: Finding, right: Finding): number {
  return (
    FINDING_STATUSES.indexOf(left.status) - FINDING_STATUSES.indexOf(right.status) ||
    Number(right.isExploited) - Number(left.isExploited) ||
    (right.epss ?? -1) - (left.epss ?? -1) ||
    compareTexts(left.cve, right.cve) ||
    compareTexts(left.source, right.source) ||
    compareTexts(left.sourceVersion, right.sourceVersion)
  )
}

function compareTexts(left: string, right: string): number {
  return left < right ? -1 : Number(left > right)
}
