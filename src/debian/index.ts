export { type AptSource, parseAptSources } from './apt-sources.ts'
export { type Archive, type ArchiveKey, type ArchiveSuite, type MirrorKind, parseArchive } from './archive.ts'
export { parseArchivePackage, parseBinaryPackage } from './binary-package.ts'
export { type ChangelogEntry, type Changes, changesSince, parseChangelog } from './changelog.ts'
export { type CleartextMessage, parseCleartext } from './cleartext.ts'
export {
  type Compression,
  DECODE_LIMITS,
  type DecodeLimits,
  type Decoder,
  type DecoderFactory,
  type DecoderOptions,
} from './compression/decoder.ts'
export { createDecoders } from './compression/decoders.ts'
export type { Libarchive } from './compression/libarchive.ts'
export { type XzBlock, xzBlockFrame, xzStreams } from './compression/xz-streams.ts'
export { ContentsSearch, type FileMatch } from './contents.ts'
export { DebEntries, type DebEntry, type DebEntryType } from './deb-entries.ts'
export {
  DEB_DATA_LIMITS,
  type DebControl,
  type DebDataOptions,
  type DebLimits,
  debDataReader,
  readDebControl,
  readDebData,
} from './deb-file.ts'
export { type DebMember, type DebMembers, type DebSource, readDebMembers } from './deb-members.ts'
export {
  type DatabaseFiles,
  type DpkgDatabase,
  type InstalledPackage,
  isDatabasePath,
  type PackageList,
  readDpkgDatabase,
  readPackageLists,
} from './dpkg-database.ts'
export { DebianError, type DebianErrorCode } from './errors.ts'
export type { ArchivePlace } from './io/archive-client.ts'
export { type ArchiveFile, BUILT_IN_ARCHIVES, readArchives, selectArchive } from './io/archive-folder.ts'
export type { OpenArchiveOptions } from './io/archive-session.ts'
export { ContentStore, type PinnedContent } from './io/content-store.ts'
export { DOWNLOAD_PATIENCE, type DownloadPatience } from './io/downloader.ts'
export {
  type FetchedIndex,
  type FetchObservedOptions,
  fetchObserved,
  type ObservedFiles,
  type ObservedState,
} from './io/fetch-observed.ts'
export { type FetchPackagesOptions, type FetchProgress, fetchPackages, type PackageFile } from './io/fetch-packages.ts'
export { fetchFault, HTTP_LIMITS, type HttpAnswer, HttpClient, type HttpLimits } from './io/http-client.ts'
export { loadLibarchive } from './io/libarchive.ts'
export { defaultCacheFolder, digestOfFile, ObjectCache, objectPath } from './io/object-cache.ts'
export { type OpenArchive, openArchive } from './io/open-archive.ts'
export { openDeb } from './io/open-deb.ts'
export {
  type KnownSuite,
  type OfferedPackage,
  type PolledSuite,
  type PollSuitesOptions,
  pollSuites,
} from './io/poll-suites.ts'
export { type FileSearch, type SuiteFileMatch, searchFiles } from './io/search-files.ts'
export {
  mergeUniverse,
  type SearchableUniverse,
  type UniverseArchitectures,
  type UniverseSource,
} from './merged-universe.ts'
export { chooseMirrors, type MirrorTable, mirrorsOfSources, parseMirrors, snapshotBase } from './mirrors.ts'
export { parseOsRelease } from './os-release.ts'
export type {
  ArchivePackage,
  BinaryPackage,
  DebVersion,
  Dependency,
  MultiArch,
  PackageRelation,
  Provision,
  VersionOperator,
} from './package.ts'
export { searchPackages } from './package-search.ts'
export { type CompiledTables, compilePackagesIndex } from './packages-compiler.ts'
export { type IndexFile, openPackagesIndex, type PackagesIndex } from './packages-index.ts'
export { formatRelation, parseDependencies, parseProvisions, parseRelation, parseRelations } from './relation.ts'
export { parseRelease, type Release, type ReleaseFile } from './release.ts'
export { checkSignatures, type PinnedKey, readPinnedKey, type SignatureCheck } from './signature.ts'
export type { SourceReference } from './source-index.ts'
export { parseStanza, parseStanzas, type Stanza, splitParagraphs } from './stanza.ts'
export {
  FUTURE_TOLERANCE,
  formatDate,
  type SuiteState,
  type SuiteTrust,
  suiteNotices,
  type VerifiedSuite,
  verifySuite,
} from './suite.ts'
export {
  ACCOUNT_FILES,
  isCopyrightFile,
  isInventoryFile,
  isSystemFile,
  MAX_COPYRIGHT,
  RELEASE_FILES,
} from './system-files.ts'
export type { Provider, Universe } from './universe.ts'
export { compareVersions, isVersion, parseVersion, satisfies, type VersionParts } from './version.ts'
export { versionSortKey } from './version-sort-key.ts'
