export { AdvisoryError, type AdvisoryErrorCode } from './errors.ts'
export { type ImportOptions, importFile } from './import-file.ts'
export { exportStore, type ImportExportOptions, importStore, isExportFile } from './io/export-file.ts'
export { FETCH_PATIENCE, type FetchPatience } from './io/fetched-files.ts'
export { readOsvZip, ZIP_LIMITS, type ZipLimits } from './io/osv-zip.ts'
export { FILE_LIMIT, type ReadFilesOptions, readParts } from './io/read-files.ts'
export { type OpenStore, openStore, SharedStore, storeParts, storePath } from './io/store-folder.ts'
export { type PartOutcome, readPublishers, type UpdateOptions, updateParts } from './io/update.ts'
export {
  ageOf,
  type FetchedFile,
  isAhead,
  isStale,
  makePart,
  type NewPart,
  type PartOrigin,
  type PartState,
  STALE_DAYS,
} from './part.ts'
export { isAddress, type PartSource, parsePublishers, type SourceFile, withPlaces } from './publishers.ts'
export {
  ADVISORY_KINDS,
  type AdvisoryKind,
  type AnnouncedFix,
  type Announcement,
  type DebianStanding,
  type DebianStatement,
  type DebianSub,
  type Evidence,
  type ExploitedEntry,
  type ImportedFile,
  type OsvAffected,
  type OsvRange,
  type OsvRecord,
  type OsvSeverity,
  type PartRecords,
  type Prediction,
  type Quarantined,
  type SupportNotice,
  type TrackerRecord,
  type TrackerRelease,
} from './records.ts'
export type { StoreFile } from './section.ts'
export { type AdvisoryStore, type IssueRecords, openAdvisoryStore } from './store.ts'
export { encodeStore } from './store-format.ts'
