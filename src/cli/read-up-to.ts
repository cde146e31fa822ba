import { open } from 'node:fs/promises'
import { hasSystemCode } from '#core'
import { UsageError } from './errors.ts'

const CHUNK = 2 ** 20

/**
 * Reads a file that somebody handed in, of so many bytes at most; what has no size, as a pipe, is read no further. Rejects with
 * `USAGE_INVALID`.
 */
export async function readUpTo(path: string, most: number): Promise<Buffer> {
  try {
    const file = await open(path)
    try {
      const { size } = await file.stat()
      if (size > most) throw tooLarge(path, `${size} bytes, more than`, most)
      const chunks: Buffer[] = []
      for (let length = 0; ; ) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.max(CHUNK, size - length + 1)))
        if (bytesRead === 0) return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
        length += bytesRead
        if (length > most) throw tooLarge(path, 'more bytes than', most)
        chunks.push(buffer.subarray(0, bytesRead))
      }
    } finally {
      await file.close()
    }
  } catch (cause) {
    if (cause instanceof UsageError) throw cause
    const reason = hasSystemCode(cause, 'EISDIR') ? 'it is a folder' : 'there is no such file, or it is closed to us'
    throw new UsageError('USAGE_INVALID', `cannot read ${path}: ${reason}`, { cause })
  }
}

function tooLarge(path: string, got: string, most: number): UsageError {
  return new UsageError('USAGE_INVALID', `cannot use ${path}: it has ${got} ${most}`)
}
