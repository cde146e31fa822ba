import { availableParallelism } from 'node:os'
import { programFile } from '#core'
import type { MeasuredLayer } from '../member.ts'
import type {
  CompressTask,
  DecodeTask,
  MeasureTask,
  MemberPool,
  MemberTask,
  UnpackResult,
  UnpackTask,
} from './member-task.ts'
import { revivedError } from './revived-error.ts'
import { WorkerPool } from './worker-pool.ts'

type AnyResult = UnpackResult | undefined | Uint8Array | MeasuredLayer

/** Starts a pool of threads, one a core unless told otherwise; dispose it when the image is built. */
export function openMemberPool(size = availableParallelism()): MemberPool {
  const pool = new WorkerPool<MemberTask, AnyResult>({
    script: programFile('image/io/member-worker'),
    size,
    revive: revivedError,
  })
  const run = async <Result extends AnyResult>(task: MemberTask, weight = 0): Promise<Result> =>
    (await pool.run(task, weight)) as Result
  return {
    prepare: (tasks: number) => pool.prepare(tasks),
    decode: (task: DecodeTask) => run<undefined>(task, task.weight),
    // The biggest first, so that no thread is left with the longest task; after what is decoded comes the most work.
    unpack: (task: UnpackTask) => run<UnpackResult>(task, task.decoded === undefined ? task.weight : Infinity),
    compress: (task: CompressTask) => run<Uint8Array>(task),
    measure: (task: MeasureTask) => run<MeasuredLayer>(task),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  }
}
