import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { canonicalJson, type Digest, digestOf, hexOf, parseDigest } from '#core'
import { compressStream, prepareCodec } from '../codec.ts'
import type { LayerCodec, MeasuredLayer } from '../member.ts'
import { measureLayer } from './measure-layer.ts'
import type { LayerSegment, MemberPool } from './member-task.ts'

/** Starting a thread takes longer than hashing a layer of so many bytes. */
const SMALL_LAYER = 4 * 1024 * 1024

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

  /** Keeps a tar stream, or a part of one, with that digest, compressed; what was kept before is not compressed again. */
  async putStream(tar: Uint8Array, codec: LayerCodec, digest: Digest = digestOf(tar)): Promise<LayerSegment> {
    const key = digestOf(canonicalJson({ codec, tar: digest }))
    const path = this.#path(key, 'stream')
    const known = readSegment(this.#path(key, 'segment'))
    if (known !== undefined && statSync(path, { throwIfNoEntry: false })?.size === sizeOf(known)) {
      return { path, ...known }
    }
    await prepareCodec(codec)
    const blocks = compressStream(codec, tar)
    const stream = Buffer.concat(blocks)
    const segment = { digest: digestOf(stream), blocks: blocks.map((block) => block.length) }
    this.#write(path, stream)
    this.#write(this.#path(key, 'segment'), canonicalJson(segment))
    return { path, ...segment }
  }

  /** The digests of a layer made of these segments, measured unless it was before. */
  async measure(segments: readonly LayerSegment[], codec: LayerCodec, pool: MemberPool): Promise<MeasuredLayer> {
    const key = digestOf(canonicalJson({ codec, segments: segments.map((segment) => segment.digest) }))
    const path = this.#path(key, 'json')
    const known = readMeasured(path)
    if (known !== undefined) return known
    const task = { kind: 'measure', codec, segments } as const
    const isSmall = segments.reduce((sum, segment) => sum + sizeOf(segment), 0) <= SMALL_LAYER
    const measured = isSmall ? measureLayer(task) : await pool.measure(task)
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

/** Bytes of a stream. */
export function sizeOf({ blocks }: Pick<LayerSegment, 'blocks'>): number {
  return blocks.reduce((sum, length) => sum + length, 0)
}

/** What was measured before; `undefined` where nothing, or nothing whole, is kept. */
function readMeasured(path: string): MeasuredLayer | undefined {
  const { digest, diffId, size } = readDocument(path)
  if (typeof digest !== 'string' || typeof diffId !== 'string' || typeof size !== 'number') return undefined
  return { digest: parseDigest(digest), diffId: parseDigest(diffId), size }
}

/** What was compressed before, likewise. */
function readSegment(path: string): Omit<LayerSegment, 'path'> | undefined {
  const { digest, blocks } = readDocument(path)
  if (typeof digest !== 'string' || !Array.isArray(blocks)) return undefined
  if (!blocks.every((length): length is number => Number.isSafeInteger(length))) return undefined
  return { digest: parseDigest(digest), blocks }
}

function readDocument(path: string): Readonly<Record<string, unknown>> {
  try {
    const document: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return typeof document === 'object' && document !== null ? { ...document } : {}
  } catch {
    return {}
  }
}
