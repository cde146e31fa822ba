export {
  OPENVEX_CONTEXT,
  VEX_JUSTIFICATIONS,
  VEX_STATUSES,
  type VexComponent,
  type VexDocument,
  type VexJustification,
  type VexProduct,
  type VexStatement,
  type VexStatus,
} from './document.ts'
export { VexError, type VexErrorCode } from './errors.ts'
export { formatVexDocument, type NewDocument, type NewProduct, type NewStatement } from './format-document.ts'
export { debProduct, imageProduct, matchesPurl, type Purl, parsePurl } from './purl.ts'
export { parseVexDocument, type ReadVexOptions } from './read-document.ts'
export {
  formatRepositoryIndex,
  formatRepositoryManifest,
  parseRepositoryIndex,
  REPOSITORY_INDEX,
  REPOSITORY_MANIFEST,
  type RepositoryManifest,
  type RepositoryPackage,
  repositoryLocation,
  splitByPackage,
  updatePackageDocument,
} from './repository.ts'
export { type SourcedStatement, type VexSource, VexStatements, type VexSubject } from './statements.ts'
