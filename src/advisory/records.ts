import type { DebVersion } from '#debian'

/** The parts of a store, each one kind of data from one publisher. */
export const ADVISORY_KINDS = ['tracker', 'dsa', 'dla', 'kev', 'epss', 'osv', 'support'] as const

/** One kind of advisory data. */
export type AdvisoryKind = (typeof ADVISORY_KINDS)[number]

/** Where a record was read: the file, and the place in it. */
export interface Evidence {
  readonly origin: string
  readonly place: string
}

/** How a source package of a release stands to a CVE, in the words of Debian's tracker. */
export type DebianStanding =
  | { readonly status: 'fixed'; readonly version: DebVersion }
  | { readonly status: 'open' | 'not-affected' | 'undetermined' | 'end-of-life' }

/** Why an open issue gets no advisory of its own: three words that mean three different things. */
export type DebianSub = 'no-dsa' | 'postponed' | 'ignored'

/** What the tracker says of one release, beside its standing. */
export type TrackerRelease = DebianStanding & {
  /** The release's codename. */
  readonly release: string
  readonly sub?: DebianSub
  /** The tracker's own reason for `sub`. */
  readonly note?: string
  /** The tracker's urgency, as it stands there: `low`, `medium**`, `not yet assigned`, `unimportant`, … */
  readonly urgency: string
}

/** The tracker's entry for one source package and one CVE. */
export interface TrackerRecord {
  readonly source: string
  readonly cve: string
  readonly description: string
  readonly releases: readonly TrackerRelease[]
}

/** One statement of Debian about a source package, a CVE and a release. */
export type DebianStatement = TrackerRelease & {
  readonly source: string
  readonly cve: string
  readonly description: string
  /** The tracker holds that the issue does no harm; that is not "not affected". */
  readonly isUnimportant: boolean
  readonly evidence: Evidence
}

/** What an announcement says of one source package in one release. */
export interface AnnouncedFix {
  readonly release: string
  readonly source: string
  /** The version that fixes it; absent where a word such as `not-affected` stands in its place. */
  readonly version?: DebVersion
  readonly word?: string
}

/** A Debian security announcement: a DSA, or a DLA of long-term support. */
export interface Announcement {
  readonly id: string
  /** The day of the announcement, YYYY-MM-DD. */
  readonly date: string
  /** Absent where it is about no package, e.g. the end of a release's support. */
  readonly source?: string
  readonly title: string
  /** Empty where the update carries no CVE. */
  readonly cves: readonly string[]
  readonly fixes: readonly AnnouncedFix[]
  /** The line of its list, from 1. */
  readonly line: number
}

/** An entry of CISA's catalogue of vulnerabilities that are known to be exploited. */
export interface ExploitedEntry {
  readonly cve: string
  readonly name: string
  readonly dateAdded: string
  readonly dueDate?: string
  /** The catalogue's word: `Known` or `Unknown`. */
  readonly ransomware: string
}

/** FIRST's estimate of how likely a CVE is exploited in the next 30 days. */
export interface Prediction {
  readonly cve: string
  /** From 0 to 1. */
  readonly probability: number
  /** The share of all CVEs with this probability or less, from 0 to 1. */
  readonly percentile: number
}

/** A severity as OSV has it: the kind of score, and a CVSS vector. */
export interface OsvSeverity {
  readonly type: string
  readonly score: string
}

/** A range of affected versions: events in the order of the document. */
export interface OsvRange {
  readonly type: string
  readonly repo?: string
  readonly events: readonly {
    readonly kind: 'introduced' | 'fixed' | 'last_affected' | 'limit'
    readonly version: string
  }[]
}

/** What an OSV document says of one package. */
export interface OsvAffected {
  readonly ecosystem: string
  readonly name: string
  readonly purl?: string
  readonly severity: readonly OsvSeverity[]
  readonly ranges: readonly OsvRange[]
  readonly versions: readonly string[]
}

/** An OSV document, as far as matching needs it. */
export interface OsvRecord {
  readonly id: string
  readonly aliases: readonly string[]
  readonly summary: string
  readonly modified: string
  readonly published?: string
  /** Since when the document is taken back; a withdrawn one affects nothing. */
  readonly withdrawn?: string
  readonly severity: readonly OsvSeverity[]
  readonly affected: readonly OsvAffected[]
  /** The file that it stood in. */
  readonly file: string
}

/** A line of debian-security-support: a source package whose support ended early, or is limited. */
export interface SupportNotice {
  readonly support: 'ended' | 'limited'
  /** The codename that an `ended` line is about; `limited` holds for every release. */
  readonly release?: string
  /** A source package's name, or a pattern in which `.*` stands for anything. */
  readonly source: string
  /** The last version with support; `0` when none had it. */
  readonly lastVersion?: DebVersion
  /** The day on which support ended or will end, YYYY-MM-DD. */
  readonly date?: string
  readonly note: string
  /** File and line. */
  readonly place: string
}

/** The records of one part, under its kind. */
export type PartRecords =
  | { readonly kind: 'tracker'; readonly records: readonly TrackerRecord[] }
  | { readonly kind: 'dsa'; readonly records: readonly Announcement[] }
  | { readonly kind: 'dla'; readonly records: readonly Announcement[] }
  | { readonly kind: 'kev'; readonly records: readonly ExploitedEntry[] }
  | { readonly kind: 'epss'; readonly records: readonly Prediction[] }
  | { readonly kind: 'osv'; readonly records: readonly OsvRecord[] }
  | { readonly kind: 'support'; readonly records: readonly SupportNotice[] }

/** What a file of advisory data holds. */
export type ImportedFile = PartRecords & {
  readonly quarantined: Quarantined
  /** When the data were current, as they say themselves (ISO 8601). */
  readonly contentDate?: string
}

/** Records that could not be read and are left out: how many, and the first of them. */
export interface Quarantined {
  readonly count: number
  readonly first: readonly { readonly place: string; readonly reason: string }[]
}
