import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { DebianError } from '../errors.ts'
import { XzReadableStream } from 'xz-decompress'

/** Reads a compressed file whole, by its name's extension. Throws `INDEX_INVALID` when it is damaged or over `limit`. */
export async function decompressFile(path: string, name: string, limit: number): Promise<Uint8Array> {
  const compressed = createReadStream(path, { highWaterMark: 1 << 18 })
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    const output: AsyncIterable<Uint8Array> = name.endsWith('.xz')
      ? Readable.from(new XzReadableStream(Readable.toWeb(compressed) as ReadableStream<Uint8Array>))
      : compressed.pipe(createGunzip())
    for await (const chunk of output) {
      size += chunk.length
      if (size > limit) throw new DebianError('INDEX_INVALID', `cannot decompress ${name}: it is over ${limit} bytes long`)
      chunks.push(chunk)
    }
  } catch (cause) {
    if (cause instanceof DebianError) throw cause
    throw new DebianError('INDEX_INVALID', `cannot decompress ${name}: it is damaged`, { cause })
  }
  return Buffer.concat(chunks)
}
