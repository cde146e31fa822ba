export { parseArchivePackage, parseBinaryPackage } from './binary-package.ts'
export { DebianError, type DebianErrorCode } from './errors.ts'
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
export { formatRelation, parseDependencies, parseProvisions, parseRelation, parseRelations } from './relation.ts'
export { parseStanza, parseStanzas, type Stanza } from './stanza.ts'
export type { Provider, Universe } from './universe.ts'
export { compareVersions, parseVersion, satisfies, type VersionParts } from './version.ts'
