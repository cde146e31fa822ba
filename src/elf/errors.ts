import { CasemateError } from '#core'

/** What can be wrong with an ELF file. */
export type ElfErrorCode =
  /** A file begins as ELF and is damaged, or of a kind that is not read. */
  'ELF_INVALID'

/** Thrown by `elf`. */
export class ElfError extends CasemateError<ElfErrorCode> {}
