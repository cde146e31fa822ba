import { createHash } from 'node:crypto'
import { closeSync, openSync, rmSync, statSync } from 'node:fs'
import { type Digest, digestFromHex, digestOf, TAR_END } from '#core'
import { BLOCK_SIZE, compressStream, prepareCodec } from '../codec.ts'
import { directoriesAlone } from '../layer.ts'
import {
  type LayerAlone,
  type LayerCodec,
  type MemberBlock,
  type MemberIndex,
  type MemberRecipe,
  memberKey,
} from '../member.ts'
import { decodeDataBlocks } from './data-blocks.ts'
import { writeBytes } from './file-bytes.ts'
import type { HostXz } from './host-xz.ts'
import { LayerHash } from './layer-hash.ts'
import type { MemberStore } from './member-store.ts'
import type { MemberPool, UnpackResult } from './member-task.ts'
import { readSpilled } from './spill.ts'

/** A .deb on disk and what shall become of it. */
export interface MemberRequest {
  readonly name: string
  readonly deb: string
  readonly recipe: MemberRecipe
  /** Decodes by the host's xz; by our own decoder unless given. */
  readonly xz?: HostXz
}

/**
 * Gives the member of a .deb, from the cache or made anew; asked for twice at the same time it is made once. A big package
 * is decoded and compressed by all threads, block by block, the others on the thread that takes them apart. Rejects with what taking the .deb apart throws; the cache then holds
 * nothing of it.
 */
export async function makeMember(request: MemberRequest, store: MemberStore, pool: MemberPool): Promise<MemberIndex> {
  const key = memberKey(request.recipe)
  return store.find(key) ?? store.once(key, () => makeMissing(key, request, store, pool))
}

async function makeMissing(
  key: Digest,
  request: MemberRequest,
  store: MemberStore,
  pool: MemberPool,
): Promise<MemberIndex> {
  const unfinished = store.create(key)
  const spill = `${unfinished.path}.spill`
  try {
    const weight = statSync(request.deb).size
    const own = { ...request, spill, weight }
    const decoded = request.xz === undefined ? await decodeDataBlocks(own, pool) : undefined
    const result = await pool.unpack({
      kind: 'unpack',
      ...own,
      ...(decoded === undefined ? {} : { decoded }),
      ...(store.reader === undefined ? {} : { reader: store.reader }),
    })
    const stream = new BlockWriter(unfinished.path)
    const alone = await AloneLayer.open(request.recipe.codec, directoriesAlone(result.member.entries))
    try {
      for await (const { block, tar } of blocksOf(result, request.recipe, spill, pool)) {
        stream.write(block)
        alone.add(block, tar)
      }
    } finally {
      stream.close()
    }
    const index: MemberIndex = { ...result.member, key, ...stream.described(), alone: alone.end(result) }
    unfinished.commit(index, result.facts)
    return index
  } catch (error) {
    unfinished.abandon()
    throw error
  } finally {
    rmSync(spill, { force: true })
  }
}

/** The blocks in order; with their tar where the thread that took the .deb apart did not hash it. */
async function* blocksOf(
  result: UnpackResult,
  recipe: MemberRecipe,
  spill: string,
  pool: MemberPool,
): AsyncGenerator<{ block: Uint8Array; tar?: Uint8Array }> {
  if (result.kind === 'compressed') {
    for (const block of result.blocks) yield { block }
    return
  }
  const compressing = result.blocks.map((parts) =>
    pool.compress({ kind: 'compress', codec: recipe.codec, spill, parts }),
  )
  try {
    for (const [number, parts] of result.blocks.entries()) {
      const block = await compressing[number]
      if (block !== undefined) yield { block, tar: readSpilled(spill, parts) }
    }
  } finally {
    await Promise.allSettled(compressing)
  }
}

/** What a layer that holds nothing but one member is, hashed while its blocks pass. */
class AloneLayer {
  readonly #hash = new LayerHash()
  readonly #codec: LayerCodec
  readonly #directories: Uint8Array

  private constructor(codec: LayerCodec, directories: Uint8Array) {
    this.#codec = codec
    this.#directories = directories
    this.#addOwn(directories)
  }

  static async open(codec: LayerCodec, directories: Uint8Array): Promise<AloneLayer> {
    await prepareCodec(codec)
    return new AloneLayer(codec, directories)
  }

  add(block: Uint8Array, tar: Uint8Array = new Uint8Array()): void {
    this.#hash.addStored(block)
    this.#hash.addTar(tar)
  }

  end(result: UnpackResult): LayerAlone {
    this.#addOwn(TAR_END)
    const hashed = this.#hash.end()
    const diffId = result.kind === 'compressed' ? result.diffId : hashed.diffId
    return { ...hashed, diffId, directories: digestOf(this.#directories) }
  }

  #addOwn(tar: Uint8Array): void {
    for (const block of compressStream(this.#codec, tar)) this.#hash.addStored(block)
    this.#hash.addTar(tar)
  }
}

/** Writes blocks one after another and notes where each stands. */
class BlockWriter {
  readonly #file: number
  readonly #hash = createHash('sha256')
  readonly #blocks: MemberBlock[] = []
  #size = 0

  constructor(path: string) {
    this.#file = openSync(path, 'w')
  }

  write(block: Uint8Array): void {
    writeBytes(this.#file, block)
    this.#hash.update(block)
    this.#blocks.push({ tarOffset: this.#blocks.length * BLOCK_SIZE, offset: this.#size, length: block.length })
    this.#size += block.length
  }

  close(): void {
    closeSync(this.#file)
  }

  described(): Pick<MemberIndex, 'blocks' | 'size' | 'digest'> {
    return { blocks: this.#blocks, size: this.#size, digest: digestFromHex(this.#hash.digest('hex')) }
  }
}
