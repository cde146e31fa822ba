import type { Libarchive } from '../compression/libarchive.ts'

let library: Promise<Libarchive> | undefined

/** Loads libarchive for this thread, where something is to be decoded; asked for again it is the same. */
export async function loadLibarchive(): Promise<Libarchive> {
  library ??= import('libarchive-wasm').then(({ libarchiveWasm }) => libarchiveWasm())
  return library
}
