import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { messageOf } from '#core'
import { ImageError } from '../errors.ts'

interface Waiting<Task, Result> {
  readonly task: Task
  readonly weight: number
  resolve(result: Result): void
  reject(error: unknown): void
}

/** What a worker answers: a result, or an error with the code it had on the other side. */
export type WorkerAnswer<Result> =
  | { readonly result: Result }
  | { readonly error: { readonly name: string; readonly code: string | undefined; readonly message: string } }

/** What a thread is started with. */
export interface WorkerStart {
  /** The folder of compiled code that the program was started with; below it Node keeps one for each of its versions. */
  readonly codeCache?: string
}

/**
 * A fixed number of threads that run one kind of task, the heaviest first, and of equals the one that came first. Threads start when there is work for
 * them. A task that throws rejects its own promise only; a thread that dies rejects what it was doing, with
 * `WORKER_FAILED`, and is replaced.
 */
export class WorkerPool<Task, Result> implements AsyncDisposable {
  readonly #script: URL
  readonly #size: number
  readonly #revive: (error: { name: string; code: string | undefined; message: string }) => Error
  readonly #waiting: Waiting<Task, Result>[] = []
  readonly #idle: Worker[] = []
  readonly #busy = new Map<Worker, Waiting<Task, Result>>()
  #isDisposed = false

  /** `script` is the program that threads run. */
  constructor(options: {
    script: URL
    size: number
    revive: (error: { name: string; code: string | undefined; message: string }) => Error
  }) {
    this.#script = options.script
    this.#size = Math.max(1, options.size)
    this.#revive = options.revive
  }

  /** Starts the threads that so many tasks will keep busy, before the first of them is there. */
  prepare(tasks: number): void {
    const wanted = Math.min(this.#size, tasks)
    while (!this.#isDisposed && this.#idle.length + this.#busy.size < wanted) this.#idle.push(this.#start())
  }

  /** Runs a task on the next free thread, before those that wait and weigh less. */
  run(task: Task, weight = 0): Promise<Result> {
    if (this.#isDisposed) return Promise.reject(stopped())
    return new Promise((resolve, reject) => {
      const place = this.#waiting.findLastIndex((other) => other.weight >= weight) + 1
      this.#waiting.splice(place, 0, { task, weight, resolve, reject })
      this.#dispatch()
    })
  }

  /** Ends every thread; tasks that are under way or wait reject with `WORKER_FAILED`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true
    const workers = [...this.#idle, ...this.#busy.keys()]
    const unfinished = [...this.#busy.values(), ...this.#waiting]
    this.#idle.length = 0
    this.#busy.clear()
    this.#waiting.length = 0
    // Who waits cleans up after its task: not before the thread has stopped writing.
    await Promise.all(workers.map((worker) => worker.terminate()))
    for (const { reject } of unfinished) reject(stopped())
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#idle.pop() ?? (this.#busy.size < this.#size ? this.#start() : undefined)
      if (worker === undefined) return
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#busy.set(worker, next)
      worker.postMessage(next.task)
    }
  }

  #start(): Worker {
    const compiled = getCompileCacheDir()
    const workerData: WorkerStart = compiled === undefined ? {} : { codeCache: dirname(compiled) }
    const worker = new Worker(this.#script, { workerData })
    worker.on('message', (answer: WorkerAnswer<Result>) => {
      const done = this.#busy.get(worker)
      this.#busy.delete(worker)
      this.#idle.push(worker)
      if ('result' in answer) done?.resolve(answer.result)
      else done?.reject(this.#revive(answer.error))
      this.#dispatch()
    })
    worker.on('error', (error) => this.#bury(worker, failed(messageOf(error), error)))
    worker.on('exit', (code) => this.#bury(worker, failed(`its thread ended with ${code}`)))
    return worker
  }

  /** Rejects what a dead thread was doing; the next task gets another one. */
  #bury(worker: Worker, reason: Error): void {
    const unfinished = this.#busy.get(worker)
    this.#busy.delete(worker)
    const place = this.#idle.indexOf(worker)
    if (place >= 0) this.#idle.splice(place, 1)
    unfinished?.reject(reason)
    this.#dispatch()
  }
}

function stopped(): ImageError {
  return failed('the threads were stopped')
}

function failed(reason: string, cause?: unknown): ImageError {
  return new ImageError('WORKER_FAILED', `cannot finish a task: ${reason}`, { cause })
}
