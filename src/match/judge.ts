import type { AnnouncedFix, Announcement, DebianStatement } from '#advisory'
import { compareVersions, type DebVersion } from '#debian'
import type { FindingStatus } from './finding.ts'

/** What a record means for an installed version: a finding with its status, or why there is none. */
export type Verdict =
  | { readonly kind: 'finding'; readonly status: 'fixed'; readonly fixedIn: DebVersion; readonly comparison: string }
  | { readonly kind: 'finding'; readonly status: Exclude<FindingStatus, 'fixed'> }
  | { readonly kind: 'has-fix'; readonly comparison: string }
  | { readonly kind: 'not-affected' }

/** Words that stand in an announcement's line in place of a version. */
const WORDS: ReadonlyMap<string, Verdict> = new Map<string, Verdict>([
  ['not-affected', { kind: 'not-affected' }],
  ['end-of-life', { kind: 'finding', status: 'end-of-life' }],
  ['no-dsa', { kind: 'finding', status: 'no-dsa' }],
  ['postponed', { kind: 'finding', status: 'postponed' }],
  ['ignored', { kind: 'finding', status: 'ignored' }],
  ['unfixed', { kind: 'finding', status: 'open' }],
])

/** Holds an installed source version against a statement of the tracker about its release. */
export function judgeStatement(installed: DebVersion, statement: DebianStatement): Verdict {
  switch (statement.status) {
    case 'fixed':
      return judgeFix(installed, statement.version)
    case 'not-affected':
      return { kind: 'not-affected' }
    case 'open':
      return { kind: 'finding', status: statement.isUnimportant ? 'unimportant' : (statement.sub ?? 'open') }
    case 'end-of-life':
    case 'undetermined':
      return { kind: 'finding', status: statement.status }
  }
}

/** Holds an installed source version against a line of an announcement. A word that is not known leaves it undetermined. */
export function judgeAnnouncement(installed: DebVersion, { version, word = '' }: AnnouncedFix): Verdict {
  if (version !== undefined) return judgeFix(installed, version)
  return WORDS.get(word) ?? { kind: 'finding', status: 'undetermined' }
}

/** An announcement, and its line on a source package in a release. */
interface AnnouncedIssue {
  readonly announcement: Announcement
  readonly fix: AnnouncedFix
}

/**
 * Tells whether an announcement decides in place of the tracker's statement on the same issue: it names a fix that the
 * tracker's data do not know, or a higher one, and is not older than they are (ISO 8601). The tracker takes in every
 * announcement on its day, so data that are newer than it and still say "open" mean it.
 */
export function overrules(
  { announcement, fix: { version } }: AnnouncedIssue,
  statement: DebianStatement,
  trackerDate: string | undefined,
): boolean {
  if (version === undefined || trackerDate === undefined || announcement.date < trackerDate.slice(0, 10)) return false
  if (statement.status === 'fixed') return compareVersions(version, statement.version) > 0
  return statement.status !== 'not-affected'
}

/**
 * The line of the announcements that decides for each issue of a source package in a release: the highest version, because
 * a second announcement of an issue completes the first. An announcement without CVE goes by its own id.
 */
export function announcedFixes(
  announcements: readonly Announcement[],
  source: string,
  release: string,
): ReadonlyMap<string, AnnouncedIssue> {
  const decisive = new Map<string, AnnouncedIssue>()
  for (const announcement of announcements) {
    const { cves, id } = announcement
    for (const fix of announcement.fixes.filter((each) => each.source === source && each.release === release)) {
      for (const issue of cves.length > 0 ? cves : [id]) {
        const before = decisive.get(issue)?.fix
        if (before === undefined || isLater(fix, before)) decisive.set(issue, { announcement, fix })
      }
    }
  }
  return decisive
}

function judgeFix(installed: DebVersion, fixedIn: DebVersion): Verdict {
  if (compareVersions(installed, fixedIn) >= 0) return { kind: 'has-fix', comparison: `${installed} >= ${fixedIn}` }
  return { kind: 'finding', status: 'fixed', fixedIn, comparison: `${installed} << ${fixedIn}` }
}

function isLater(fix: AnnouncedFix, before: AnnouncedFix): boolean {
  if (fix.version === undefined) return false
  return before.version === undefined || compareVersions(fix.version, before.version) > 0
}
