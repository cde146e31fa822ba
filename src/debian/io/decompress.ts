import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import { messageOf } from '#core'
import { DECODE_LIMITS } from '../compression/decoder.ts'
import { XzDecoders } from '../compression/xz-decoder.ts'
import { DebianError } from '../errors.ts'
import { loadLibarchive } from './libarchive.ts'

/** A compressed index: its name, whose extension tells how, and how long its text may be. */
export interface CompressedIndex {
  readonly name: string
  readonly limit: number
}

let xz: XzDecoders | undefined

/** Decompresses an index file piece by piece. Throws `INDEX_INVALID` when it is damaged or its text is over the limit. */
export async function decompressChunks(
  path: string,
  index: CompressedIndex,
  onChunk: (chunk: Uint8Array) => void,
): Promise<void> {
  try {
    await (index.name.endsWith('.xz') ? decodeXz(path, index, onChunk) : decodeGzip(path, index, onChunk))
  } catch (cause) {
    if (cause instanceof DebianError && cause.code === 'INDEX_INVALID') throw cause
    const reason = messageOf(cause)
    throw new DebianError('INDEX_INVALID', `cannot decompress ${index.name}: ${reason}`, { cause })
  }
}

/** Decompresses an index file whole; at once into its place when the size is known. Throws as `decompressChunks`. */
export async function decompressFile(path: string, index: CompressedIndex, size?: number): Promise<Uint8Array> {
  let text = Buffer.alloc(size ?? (await stat(path)).size * 8)
  let filled = 0
  await decompressChunks(path, index, (chunk) => {
    if (filled + chunk.length > text.length) text = Buffer.concat([text], 2 * (filled + chunk.length))
    text.set(chunk, filled)
    filled += chunk.length
  })
  return text.subarray(0, filled)
}

async function decodeXz(path: string, index: CompressedIndex, onOutput: (chunk: Uint8Array) => void): Promise<void> {
  xz ??= new XzDecoders(await loadLibarchive())
  const decoder = xz.decoder({ origin: index.name, limits: { ...DECODE_LIMITS, maxOutput: index.limit }, onOutput })
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) decoder.push(chunk)
  decoder.end()
}

async function decodeGzip(path: string, index: CompressedIndex, onOutput: (chunk: Uint8Array) => void): Promise<void> {
  let size = 0
  for await (const chunk of createReadStream(path).pipe(createGunzip({ chunkSize: 1 << 18 }))) {
    size += chunk.length
    if (size > index.limit) {
      throw new DebianError('INDEX_INVALID', `cannot decompress ${index.name}: it is over ${index.limit} bytes long`)
    }
    onOutput(chunk)
  }
}
