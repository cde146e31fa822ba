export { type ElfFile, isElf, parseElf } from './elf.ts'
export { ElfError, type ElfErrorCode } from './errors.ts'
export { LibrarySearch, type LoadedObject, rpathsBelow, splitPaths, tripletOf } from './library-search.ts'
export type { NeededVersions } from './symbol-versions.ts'
