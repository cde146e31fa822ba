export type { ApplicationReadings, ScannedFile } from './applications/application-reader.ts'
export { type ApplicationContent, ApplicationScan, type UnownedFile } from './applications/application-scan.ts'
export {
  compareFiles,
  type FileAspect,
  type FileChange,
  type FileComparison,
  type PackageFileCounts,
  privilege,
} from './compare-files.ts'
export {
  compareImages,
  type FromTo,
  type ImageComparison,
  type ImageSizes,
  isSameContent,
  type LayerComparison,
} from './compare-images.ts'
export {
  compareLicences,
  type LicenceChange,
  type LicenceComparison,
  type LicencePresence,
  licenceIds,
} from './compare-licences.ts'
export {
  type ChangedVersion,
  comparePackages,
  type PackageChange,
  type PackageChangeKind,
  type VersionOrder,
} from './compare-packages.ts'
export { compareSettings, type SettingChange } from './compare-settings.ts'
export { formatCycloneDx } from './cyclonedx.ts'
export { SbomError, type SbomErrorCode } from './errors.ts'
export { type VisibleFile, withFiles } from './files/join-layers.ts'
export {
  type FileChecksums,
  formatLayerStatement,
  type LayerFile,
  type LayerStatement,
  layerStatementFile,
} from './files/layer-statement.ts'
export type { ImageSettings, ImageState, StateFile, StateLayer } from './image-state.ts'
export type {
  ApplicationComponent,
  ApplicationEcosystem,
  BaseImage,
  DebComponent,
  DefinitionFacts,
  Distribution,
  FileAccount,
  FileGroup,
  FileOrigin,
  FileOwner,
  InventoriedImage,
  Inventory,
  ListedFile,
  Origin,
} from './inventory.ts'
export { joinExtracted } from './licences/extracted-licences.ts'
export {
  type PackageLicence,
  readPackageLicence,
  unclassifiedLicence,
} from './licences/package-licence.ts'
export type { ExtractedLicence } from './licences/resolve-name.ts'
export { debPurl, imagePurl } from './purl.ts'
export { readSbom } from './read/read-sbom.ts'
export { type DocumentMaker, formatSpdx } from './spdx.ts'
