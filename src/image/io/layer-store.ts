import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { canonicalJson, type Digest, digestOf, hexOf, parseDigest } from '#core'
import { BLOCK_SIZE, compressBlock } from '../codec.ts'
import type { LayerCodec } from '../member.ts'
import type { LayerSegment, MeasuredLayer, MemberPool } from './member-task.ts'

/**
 * The cache of layers: the small streams that are not members (directories, the last layer), and what each list of
 * segments was once measured as, so that an unchanged layer is neither read nor hashed again.
 */
export class LayerStore {
  readonly #directory: string
  readonly #uncommitted: string

  /** `directory` need not exist. `owner` tells processes apart in the names of unfinished files. */
  constructor(directory: string, owner: string) {
    this.#directory = directory
    this.#uncommitted = `.${owner}.tmp`
  }

  /** Compresses a tar stream, or a part of one, and keeps it under its digest. The codec must be prepared. */
  putStream(tar: Uint8Array, codec: LayerCodec): LayerSegment {
    const blocks: Uint8Array[] = []
    for (let start = 0; start < tar.length; start += BLOCK_SIZE) {
      blocks.push(compressBlock(codec, tar.subarray(start, start + BLOCK_SIZE)))
    }
    const stream = Buffer.concat(blocks)
    const digest = digestOf(stream)
    const path = this.#path(digest, 'stream')
    if (statSync(path, { throwIfNoEntry: false })?.size !== stream.length) this.#write(path, stream)
    return { path, digest, blocks: blocks.map((block) => block.length) }
  }

  /** The digests of a layer made of these segments, measured by the pool unless it was before. */
  async measure(segments: readonly LayerSegment[], codec: LayerCodec, pool: MemberPool): Promise<MeasuredLayer> {
    const key = digestOf(canonicalJson({ codec, segments: segments.map((segment) => segment.digest) }))
    const path = this.#path(key, 'json')
    const known = readMeasured(path)
    if (known !== undefined) return known
    const measured = await pool.measure({ kind: 'measure', codec, segments })
    this.#write(path, canonicalJson({ ...measured }))
    return measured
  }

  #write(path: string, bytes: Uint8Array | string): void {
    mkdirSync(dirname(path), { recursive: true })
    const unfinished = path + this.#uncommitted
    writeFileSync(unfinished, bytes)
    renameSync(unfinished, path)
  }

  #path(key: Digest, kind: string): string {
    const hex = hexOf(key)
    return join(this.#directory, hex.slice(0, 2), `${hex}.${kind}`)
  }
}

/** What was measured before; `undefined` where nothing, or nothing whole, is kept. */
function readMeasured(path: string): MeasuredLayer | undefined {
  try {
    const document: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof document !== 'object' || document === null) return undefined
    const { digest, diffId, size } = document as Record<string, unknown>
    if (typeof digest !== 'string' || typeof diffId !== 'string' || typeof size !== 'number') return undefined
    return { digest: parseDigest(digest), diffId: parseDigest(diffId), size }
  } catch {
    return undefined
  }
}
