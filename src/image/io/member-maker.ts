import { createHash } from 'node:crypto'
import { closeSync, openSync, rmSync } from 'node:fs'
import { parseDigest } from '#core'
import { BLOCK_SIZE } from '../codec.ts'
import { type MemberBlock, type MemberIndex, type MemberRecipe, memberKey } from '../member.ts'
import { writeBytes } from './file-bytes.ts'
import type { HostXz } from './host-xz.ts'
import type { MemberStore } from './member-store.ts'
import type { MemberPool, UnpackResult } from './member-task.ts'

/** A .deb on disk and what shall become of it. */
export interface MemberRequest {
  readonly name: string
  readonly deb: string
  readonly recipe: MemberRecipe
  /** Decodes by the host's xz; by our own decoder unless given. */
  readonly xz?: HostXz
}

/**
 * Gives the member of a .deb, from the cache or made anew. A big package's blocks are compressed by all threads, the
 * others on the thread that took them apart. Rejects with what taking the .deb apart throws; the cache then holds
 * nothing of it.
 */
export async function makeMember(request: MemberRequest, store: MemberStore, pool: MemberPool): Promise<MemberIndex> {
  const key = memberKey(request.recipe)
  const cached = store.find(key)
  if (cached !== undefined) return cached
  const unfinished = store.create(key)
  const spill = `${unfinished.path}.spill`
  try {
    const result = await pool.unpack({ kind: 'unpack', ...request, spill })
    const stream = new BlockWriter(unfinished.path)
    try {
      for await (const block of blocksOf(result, request.recipe, spill, pool)) stream.write(block)
    } finally {
      stream.close()
    }
    const index: MemberIndex = { ...result.member, key, ...stream.described() }
    unfinished.commit(index)
    return index
  } catch (error) {
    unfinished.abandon()
    throw error
  } finally {
    rmSync(spill, { force: true })
  }
}

async function* blocksOf(result: UnpackResult, recipe: MemberRecipe, spill: string, pool: MemberPool) {
  if (result.kind === 'compressed') {
    yield* result.blocks
    return
  }
  const compressing = result.blocks.map((parts) =>
    pool.compress({ kind: 'compress', codec: recipe.codec, spill, parts }),
  )
  try {
    for (const block of compressing) yield await block
  } finally {
    await Promise.allSettled(compressing)
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
    return { blocks: this.#blocks, size: this.#size, digest: parseDigest(`sha256:${this.#hash.digest('hex')}`) }
  }
}
