import { createDecoders, type DecoderFactory, loadLibarchive } from '#debian'
import { compressBlock, prepareCodec } from '../codec.ts'
import { decodeDataBlock } from './data-blocks.ts'
import { measureLayer } from './measure-layer.ts'
import type { MemberTask } from './member-task.ts'
import { plainError } from './revived-error.ts'
import { readSpilled } from './spill.ts'
import { unpackMember } from './unpack-member.ts'

/** One set of decoders a thread: their memory serves one package after the other. */
let decoders: DecoderFactory | undefined

/** Does a task of `member-pool.ts` on this thread; gives the answer, and the memory that goes over with it. */
export async function answerTask(task: MemberTask) {
  try {
    const result = await perform(task)
    return { answer: { result }, transfer: blocksOf(result) }
  } catch (error) {
    return { answer: { error: plainError(error) }, transfer: [] }
  }
}

async function perform(task: MemberTask) {
  switch (task.kind) {
    case 'unpack':
      await prepareCodec(task.recipe.codec)
      decoders ??= createDecoders(await loadLibarchive())
      return unpackMember(task, decoders)
    case 'decode':
      decoders ??= createDecoders(await loadLibarchive())
      return decodeDataBlock(task, decoders)
    case 'compress':
      await prepareCodec(task.codec)
      return compressBlock(task.codec, readSpilled(task.spill, task.parts))
    case 'measure':
      return measureLayer(task)
  }
}

/** Compressed blocks, each alone in its memory, change hands instead of being copied. */
function blocksOf(result: Awaited<ReturnType<typeof perform>>): ArrayBuffer[] {
  const blocks =
    result instanceof Uint8Array
      ? [result]
      : result && 'kind' in result && result.kind === 'compressed'
        ? result.blocks
        : []
  return blocks.flatMap(({ buffer, byteLength }) =>
    buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [],
  )
}
