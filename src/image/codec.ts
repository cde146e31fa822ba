import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { compress as zstdCompress, init as zstdInit } from '@bokuweb/zstd-wasm'
import { gzip } from 'libdeflate'
import type { LayerCodec } from './member.ts'

/**
 * Level 4 of the pinned libdeflate takes half the time of `gzip -6` for 1.7 % more bytes, level 3 of the pinned zstd fewer
 * bytes still. Both are WebAssembly: the bytes do not depend on the machine or on the release of Node.
 */
const GZIP_LEVEL = 4
const ZSTD_LEVEL = 3

/** Bytes of tar in one block, except for the last of a member. Blocks are compressed on their own, so they can be read on their own. */
export const BLOCK_SIZE = 1024 * 1024

/** Makes a codec ready; must have settled before `compressBlock`. */
export async function prepareCodec(codec: LayerCodec): Promise<void> {
  if (codec === 'zstd') await zstdInit()
}

/** Compresses one block as a gzip member or zstd frame of its own; concatenated they are one stream (RFC 1952 §2.2, RFC 8878 §3.1). */
export function compressBlock(codec: LayerCodec, block: Uint8Array): Uint8Array {
  return codec === 'gzip' ? gzip(block, GZIP_LEVEL) : zstdCompress(block, ZSTD_LEVEL)
}

/** Gives back a block's bytes. Throws what zlib throws for damaged input or for more than `BLOCK_SIZE` bytes. */
export function expandBlock(codec: LayerCodec, block: Uint8Array): Uint8Array {
  const options = { maxOutputLength: BLOCK_SIZE }
  return codec === 'gzip' ? gunzipSync(block, options) : zstdDecompressSync(block, options)
}
