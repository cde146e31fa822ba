/** The functions of libarchive (archive_read(3)) that are used, on memory of their own; addresses are numbers. */
export interface Libarchive {
  readonly module: {
    _malloc(size: number): number
    _free(address: number): void
    /** The whole memory; another array after it has grown. */
    readonly HEAP8: Int8Array
  }
  /** Opens an archive that stands in memory, in any format and compression. Throws an `Error` for what is none. */
  read_new_memory(address: number, size: number): number
  /** The next entry; 0 at the end, and for what cannot be read. */
  read_next_entry(archive: number): number
  /** How many bytes of the entry's content were read; 0 at its end. Throws an `Error` for what is damaged. */
  read_data(archive: number, address: number, size: number): number
  /** Why the last call failed; empty if it did not. */
  error_string(archive: number): string
  read_free(archive: number): void
}
