import { parentPort } from 'node:worker_threads'
import { compressBlock, prepareCodec } from '../codec.ts'
import { measureLayer } from './measure-layer.ts'
import type { MemberTask } from './member-task.ts'
import { plainError } from './revived-error.ts'
import { readSpilled } from './spill.ts'
import { unpackMember } from './unpack-member.ts'

/** The thread's side of `member-pool.ts`: one task in, one answer out. */
async function perform(task: MemberTask) {
  switch (task.kind) {
    case 'unpack':
      await prepareCodec(task.recipe.codec)
      return unpackMember(task)
    case 'compress':
      await prepareCodec(task.codec)
      return compressBlock(task.codec, readSpilled(task.spill, task.parts))
    case 'measure':
      return measureLayer(task)
  }
}

parentPort?.on('message', async (task: MemberTask) => {
  try {
    parentPort?.postMessage({ result: await perform(task) })
  } catch (error) {
    parentPort?.postMessage({ error: plainError(error) })
  }
})
