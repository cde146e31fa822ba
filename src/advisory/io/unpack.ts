import { gunzipSync } from 'node:zlib'
import { hasSystemCode, messageOf } from '#core'
import { createDecoders, DECODE_LIMITS, loadLibarchive } from '#debian'
import { AdvisoryError } from '../errors.ts'

/**
 * Gives the text of a file that may be gzip or xz, told by its first bytes, and its name without the ending. Rejects with
 * `ADVISORIES_INVALID` when it is damaged or cut short, and `ADVISORIES_LIMIT` when its text is over `limit` bytes long.
 */
export async function unpack(bytes: Buffer, name: string, limit: number): Promise<{ text: string; file: string }> {
  try {
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
      return { text: gunzipSync(bytes, { maxOutputLength: limit }).toString('utf8'), file: name.replace(/\.gz$/, '') }
    }
    if (bytes.subarray(0, 6).equals(XZ_MAGIC))
      return { text: await unxz(bytes, name, limit), file: name.replace(/\.xz$/, '') }
  } catch (cause) {
    if (hasSystemCode(cause, 'ERR_BUFFER_TOO_LARGE', 'COMPRESSION_LIMIT')) {
      throw new AdvisoryError('ADVISORIES_LIMIT', `cannot import ${name}: it is over ${limit} bytes long`)
    }
    const reason = `it is no whole gzip or xz file: ${messageOf(cause)}`
    throw new AdvisoryError('ADVISORIES_INVALID', `cannot import ${name}: ${reason}`, { cause })
  }
  return { text: bytes.toString('utf8'), file: name }
}

const XZ_MAGIC = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])

async function unxz(bytes: Buffer, origin: string, limit: number): Promise<string> {
  const chunks: Uint8Array[] = []
  const decoder = createDecoders(await loadLibarchive())('xz', {
    origin,
    limits: { ...DECODE_LIMITS, maxOutput: limit },
    onOutput: (chunk) => void chunks.push(Uint8Array.from(chunk)),
  })
  decoder.push(bytes)
  decoder.end()
  return Buffer.concat(chunks).toString('utf8')
}
