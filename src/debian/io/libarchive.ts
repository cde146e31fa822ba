import { libarchiveWasm } from 'libarchive-wasm'
import type { Libarchive } from '../compression/libarchive.ts'

let library: Promise<Libarchive> | undefined

/** Loads libarchive for this thread; asked for again it is the same. */
export async function loadLibarchive(): Promise<Libarchive> {
  library ??= libarchiveWasm()
  return library
}
