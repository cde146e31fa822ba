import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, rmSync } from 'node:fs'
import { parseDigest } from '#core'
import { expandBlock } from '../codec.ts'
import { ImageError } from '../errors.ts'
import type { MeasuredLayer, MeasureTask } from './member-task.ts'

/**
 * Hashes a layer as stored and as uncompressed tar. Throws `CACHE_DAMAGED`, naming the file, when a segment is not what
 * it was made as: a layer is never built from bytes nobody checked. The file is then gone, so the next build makes it anew.
 */
export function measureLayer(task: MeasureTask): MeasuredLayer {
  const stored = createHash('sha256')
  const expanded = createHash('sha256')
  let size = 0
  for (const segment of task.segments) {
    const own = createHash('sha256')
    const file = openSync(segment.path, 'r')
    try {
      for (const length of segment.blocks) {
        const block = Buffer.allocUnsafe(length)
        if (readSync(file, block) !== length) throw damaged(segment.path)
        own.update(block)
        stored.update(block)
        expanded.update(expand(task, block, segment.path))
        size += length
      }
    } finally {
      closeSync(file)
    }
    if (`sha256:${own.digest('hex')}` !== segment.digest) throw damaged(segment.path)
  }
  return {
    digest: parseDigest(`sha256:${stored.digest('hex')}`),
    diffId: parseDigest(`sha256:${expanded.digest('hex')}`),
    size,
  }
}

function expand(task: MeasureTask, block: Uint8Array, path: string): Uint8Array {
  try {
    return expandBlock(task.codec, block)
  } catch (error) {
    throw damaged(path, error)
  }
}

function damaged(path: string, cause?: unknown): ImageError {
  rmSync(path, { force: true })
  const reason = 'it is not what was cached, and was taken away; build again'
  return new ImageError('CACHE_DAMAGED', `cannot read ${path}: ${reason}`, { cause })
}
