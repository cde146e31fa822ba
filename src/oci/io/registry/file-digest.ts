import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { type ContentDigest, type DigestAlgorithm, finishDigest } from '../../registry/content-digest.ts'

const READ_SIZE = 256 * 1024

/** The digest of a file's bytes. Rejects as the file system does. */
export async function digestOfFile(path: string, algorithm: DigestAlgorithm): Promise<ContentDigest> {
  const hash = createHash(algorithm)
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(READ_SIZE)
    for (let count = 1; count > 0; ) {
      count = (await file.read(buffer, 0, buffer.length)).bytesRead
      hash.update(buffer.subarray(0, count))
    }
  } finally {
    await file.close()
  }
  return finishDigest(hash, algorithm)
}
