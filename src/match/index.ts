export {
  type ArchiveUpdate,
  type ArchiveUpdates,
  archiveUpdates,
  matchUpdates,
  type UpdateChanges,
} from './archive-updates.ts'
export {
  compareIssues,
  type FindingCause,
  type FindingChange,
  type FindingComparison,
  type ImageIssues,
} from './compare-findings.ts'
export { MatchError, type MatchErrorCode } from './errors.ts'
export {
  type ApplicationFinding,
  compareFindings,
  type DebianFinding,
  FINDING_STATUSES,
  type Finding,
  type FindingEvidence,
  type FindingFacts,
  type FindingStatus,
  type SettledIssue,
  type Suppression,
  subjectOf,
} from './finding.ts'
export { formatCycloneDxVdr } from './formats/cyclonedx-vdr.ts'
export { formatGitlab } from './formats/gitlab.ts'
export type { ScanReport } from './formats/report.ts'
export { formatSarif } from './formats/sarif.ts'
export { type IgnoreRule, parseIgnoreFile } from './ignore/ignore-file.ts'
export { type Suppressed, suppressFindings } from './ignore/suppress.ts'
export { type IssueStanding, locateIssue, type NamedIssue, namesOfIssue } from './locate-issue.ts'
export { type MatchAdvisories, type Matches, matchPackages, releaseOf } from './match.ts'
export { type ApplicationMatches, matchApplications } from './match-applications.ts'
export { leadingRating, type Rating, type RatingMethod, SEVERITIES, type Severity } from './rating.ts'
export { type ImageNames, suppressByVex } from './suppress-by-vex.ts'
export { type DebPackage, type VexPolicy, vexStatements } from './vex-statements.ts'
