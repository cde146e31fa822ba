import { createHash } from 'node:crypto'
import { closeSync, existsSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { digestOf } from '#core'
import { expandBlock } from '../codec.ts'
import { ImageError } from '../errors.ts'
import type { MeasuredLayer } from '../member.ts'
import { LayerHash } from './layer-hash.ts'
import type { LayerSegment, MeasureTask } from './member-task.ts'

/**
 * Hashes a layer as stored and as uncompressed tar. Throws `CACHE_DAMAGED`, naming the file, when a segment is not what
 * it was made as: a layer is never built from bytes nobody checked. The file is then gone, so the next build makes it anew.
 */
export function measureLayer(task: MeasureTask): MeasuredLayer {
  const layer = new LayerHash()
  for (const segment of task.segments) {
    const own = createHash('sha256')
    const file = openSync(segment.path, 'r')
    try {
      for (const length of segment.blocks) {
        const block = Buffer.allocUnsafe(length)
        if (readSync(file, block) !== length) throw damaged(segment.path)
        own.update(block)
        layer.addStored(block)
        layer.addTar(expand(task, block, segment.path))
      }
    } finally {
      closeSync(file)
    }
    if (`sha256:${own.digest('hex')}` !== segment.digest) throw damaged(segment.path)
  }
  return layer.end()
}

/**
 * Reads layers again, for who found that their bytes are not what they were measured as. Throws as `measureLayer` does for
 * the first segment that is damaged; returns when none is.
 */
export function checkLayers(layers: readonly { readonly segments: readonly LayerSegment[] }[]): void {
  for (const { path, digest } of layers.flatMap(({ segments }) => segments)) {
    if (existsSync(path) && digestOf(readFileSync(path)) !== digest) throw damaged(path)
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
