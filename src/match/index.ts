export {
  type ArchiveUpdate,
  type ArchiveUpdates,
  archiveUpdates,
  matchUpdates,
  type UpdateChanges,
} from './archive-updates.ts'
export { MatchError, type MatchErrorCode } from './errors.ts'
export { compareFindings, FINDING_STATUSES, type Finding, type FindingEvidence, type FindingStatus } from './finding.ts'
export { type MatchAdvisories, type Matches, matchPackages, releaseOf } from './match.ts'
