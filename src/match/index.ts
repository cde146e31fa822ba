export { MatchError, type MatchErrorCode } from './errors.ts'
export {
  compareFindings,
  FINDING_STATUSES,
  type Finding,
  type FindingEvidence,
  type FindingStatus,
  type SettledIssue,
} from './finding.ts'
export { type MatchAdvisories, type Matches, matchPackages, releaseOf } from './match.ts'
export { type ImageNames, type Suppressed, suppressByVex, type VexedFindings } from './suppress-by-vex.ts'
export { type DebPackage, type VexPolicy, vexStatements } from './vex-statements.ts'
