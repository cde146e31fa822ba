export { type ArMember, type ReadAt, readArMembers } from './ar.ts'
export { type Digest, digestFromHex, digestOf, hexOf, parseDigest } from './digest.ts'
export { CasemateError, CoreError, type CoreErrorCode, hasSystemCode, messageOf } from './errors.ts'
export { placeFaults, reportFaults } from './fault-report.ts'
export { isInternalAddress } from './io/internal-address.ts'
export { canonicalJson, type Json } from './json.ts'
export { hasMoreValues } from './json-values.ts'
export { lateModule } from './late-module.ts'
export { type LineLimit, readLines } from './lines.ts'
export { matchesNamePattern } from './name-pattern.ts'
export { editDistance, nearest } from './nearest.ts'
export { builtFolder, packageFile, programFile } from './package-files.ts'
export { inParallel } from './parallel.ts'
export {
  hasControlCharacters,
  isWhiteoutPath,
  normalizeArchivePath,
  PATH_BYTES,
  parentPath,
  pathsAbove,
} from './path.ts'
export { formatPurl, type PurlParts, parsePurlParts } from './purl.ts'
export { Recent, RecentlyMade } from './recent.ts'
export {
  type DocumentPath,
  type Fault,
  faultsOf,
  formatFault,
  formatPath,
  quote,
  type Shape,
} from './shape.ts'
export { type JsonLimits, readStrictJson, type StrictJson } from './strict-json.ts'
export {
  TAR_BLOCK,
  TAR_LIMITS,
  type TarHeader,
  type TarHeaderInput,
  type TarLimits,
  type TarType,
} from './tar-header.ts'
export { type ContentSink, TarReader, type TarReaderOptions } from './tar-reader.ts'
export { encodeTarEntry, TAR_END, tarPadding } from './tar-writer.ts'
export { Turnstile } from './turnstile.ts'
export { visibleText } from './visible-text.ts'
export { type Place, type PlacedFault, parseYaml, type YamlDocument } from './yaml-document.ts'
