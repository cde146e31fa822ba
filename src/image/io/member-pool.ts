import { availableParallelism } from 'node:os'
import type { MeasuredLayer } from '../member.ts'
import type { CompressTask, MeasureTask, MemberPool, MemberTask, UnpackResult, UnpackTask } from './member-task.ts'
import { revivedError } from './revived-error.ts'
import { WorkerPool } from './worker-pool.ts'

type AnyResult = UnpackResult | Uint8Array | MeasuredLayer

/** Starts a pool of threads, one a core unless told otherwise; dispose it when the image is built. */
export function openMemberPool(size = availableParallelism()): MemberPool {
  const pool = new WorkerPool<MemberTask, AnyResult>({
    module: './member-worker',
    base: import.meta.url,
    size,
    revive: revivedError,
  })
  const run = async <Result extends AnyResult>(task: MemberTask): Promise<Result> => (await pool.run(task)) as Result
  return {
    unpack: (task: UnpackTask) => run<UnpackResult>(task),
    compress: (task: CompressTask) => run<Uint8Array>(task),
    measure: (task: MeasureTask) => run<MeasuredLayer>(task),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  }
}
