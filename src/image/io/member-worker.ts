import { enableCompileCache } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import type { MemberTask } from './member-task.ts'
import type { WorkerStart } from './worker-pool.ts'

// A thread does not inherit the compiled code of the program. It has to be asked for before anything is loaded.
const { codeCache } = workerData as WorkerStart
if (codeCache !== undefined) enableCompileCache(codeCache)
const { answerTask } = await import('./answer-task.ts')

/** The thread's side of `member-pool.ts`: one task in, one answer out. */
parentPort?.on('message', async (task: MemberTask) => {
  const { answer, transfer } = await answerTask(task)
  parentPort?.postMessage(answer, transfer)
})
