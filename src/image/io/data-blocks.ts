import { closeSync, openSync, writeFileSync } from 'node:fs'
import {
  DECODE_LIMITS,
  DebianError,
  type DecoderFactory,
  openDeb,
  readDebMembers,
  type XzBlock,
  xzBlockFrame,
  xzStreams,
} from '#debian'
import { readBytes, writeBytes } from './file-bytes.ts'
import type { DecodeTask, MemberPool } from './member-task.ts'

/** Smaller packages are decoded by one thread: there are others for the rest. */
const SHARED_FROM = 4 * 1024 * 1024
/** Blocks that are smaller on average cost more to hand around than to decode. */
const SMALLEST_BLOCK = 1024 * 1024
const READ = 256 * 1024

/**
 * Decodes a big package's data on all threads, block by block, into the file at `spill`. Gives its size, or `undefined`
 * when the data is small or no xz data of several blocks: then one thread decodes it in order, and words the
 * error if there is one. Rejects with what the decoder throws.
 */
export async function decodeDataBlocks(
  { name, deb, weight, spill }: Pick<DecodeTask, 'name' | 'deb' | 'weight' | 'spill'>,
  pool: MemberPool,
): Promise<number | undefined> {
  const found = findBlocks(name, deb)
  if (found === undefined) return undefined
  writeFileSync(spill, '')
  let size = 0
  const decoding = found.blocks.map((block) => {
    const target = size
    size += block.uncompressedSize
    return pool.decode({ kind: 'decode', name, deb, weight, dataOffset: found.offset, block, spill, target })
  })
  try {
    await Promise.all(decoding)
  } finally {
    await Promise.allSettled(decoding)
  }
  return size
}

/** Decodes one block to its place. Throws what the decoder throws. */
export function decodeDataBlock(
  { name, deb, dataOffset, block, spill, target }: DecodeTask,
  decoders: DecoderFactory,
): void {
  const [from, to] = [openSync(deb, 'r'), openSync(spill, 'r+')]
  try {
    let at = target
    const decoder = decoders('xz', {
      origin: `${name} (data.tar.xz)`,
      limits: { maxOutput: block.uncompressedSize, maxRatio: Number.POSITIVE_INFINITY },
      onOutput: (chunk) => {
        writeBytes(to, chunk, at)
        at += chunk.length
      },
    })
    const { head, tail } = xzBlockFrame(block)
    const chunk = Buffer.allocUnsafe(READ)
    decoder.push(head)
    for (let done = 0; done < block.length; done += READ) {
      const piece = chunk.subarray(0, Math.min(READ, block.length - done))
      readBytes(from, piece, dataOffset + block.offset + done)
      decoder.push(piece)
    }
    decoder.push(tail)
    decoder.end()
  } finally {
    closeSync(from)
    closeSync(to)
  }
}

/** The blocks of a package's data, and where the data starts, if it is worth sharing. */
function findBlocks(name: string, deb: string): { offset: number; blocks: readonly XzBlock[] } | undefined {
  using source = openDeb(deb, name)
  if (source.size < SHARED_FROM) return undefined
  try {
    const { data } = readDebMembers(source)
    if (data.compression !== 'xz') return undefined
    const streams = xzStreams((offset, length) => source.read(data.offset + offset, length), data.size, name)
    const blocks = streams.flatMap((stream) => stream.blocks)
    return isWorthSharing(blocks, data.size) ? { offset: data.offset, blocks } : undefined
  } catch (error) {
    if (error instanceof DebianError && error.code === 'COMPRESSION_INVALID') return undefined
    throw error
  }
}

/** Not when it may be a bomb, either: the limits of decoding in order have their own words. */
function isWorthSharing(blocks: readonly XzBlock[], size: number): boolean {
  const total = blocks.reduce((sum, block) => sum + block.uncompressedSize, 0)
  const allowed = Math.min(DECODE_LIMITS.maxOutput, size * DECODE_LIMITS.maxRatio)
  return blocks.length > 1 && total <= allowed && total >= blocks.length * SMALLEST_BLOCK
}
