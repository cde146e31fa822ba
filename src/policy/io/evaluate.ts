import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { messageOf, programFile } from '#core'
import { type EstablishedFacts, type Facts, GROUP_NAMES } from '../fact-shapes.ts'
import type { Evaluate, Outcome } from '../verdict.ts'
import type { EvaluationAnswer, EvaluationTask } from './evaluation-task.ts'

/** How far an expression may go. */
export interface EvaluationLimits {
  /** Milliseconds for one expression; starting the thread is not counted. */
  readonly time: number
  /** Megabytes of its thread's memory, facts among them. */
  readonly memory: number
}

const LIMITS: EvaluationLimits = { time: 2000, memory: 512 }
/** Milliseconds that a thread may take to start and to take over the facts, on a machine that is busy. */
const START = 30_000

/** Evaluates expressions in a thread of its own, one at a time. Dispose it at the end. */
export interface Evaluator extends AsyncDisposable {
  /**
   * What evaluates over an image's facts, as far as they are known. It never rejects: an expression that errs, or goes too far
   * and is stopped, is an outcome.
   */
  over(facts: EstablishedFacts): Evaluate
}

/** Opens an evaluator. No thread is started before the first expression. */
export function openEvaluator(limits: Partial<EvaluationLimits> = {}): Evaluator {
  const evaluator = new ThreadEvaluator({ ...LIMITS, ...limits })
  let last: Promise<unknown> = Promise.resolve()
  return {
    over: (facts) => {
      const known = knownFacts(facts)
      return (expression, values) => {
        const outcome = last.then(() => evaluator.run(known, { expression, values }))
        last = outcome
        return outcome
      }
    },
    [Symbol.asyncDispose]: () => evaluator.stop(),
  }
}

class ThreadEvaluator {
  readonly #limits: EvaluationLimits
  #thread: Worker | undefined
  /** What the thread was told. */
  #facts: Partial<Facts> | undefined

  constructor(limits: EvaluationLimits) {
    this.#limits = limits
  }

  async run(facts: Partial<Facts>, task: EvaluationTask): Promise<Outcome> {
    try {
      const thread = this.#thread ?? (await this.#start())
      if (this.#facts !== facts) {
        thread.postMessage({ facts } satisfies EvaluationTask)
        await answerOf(thread, START)
        this.#facts = facts
      }
      thread.postMessage(task)
      const answer = await answerOf(thread, this.#limits.time)
      if (answer !== 'ready') return answer
    } catch (error) {
      // What a stopped thread had in hand is of no use; the next expression gets a new one.
      await this.stop()
      const why = error instanceof OutOfTime ? `took longer than ${error.limit} ms` : `was stopped: ${messageOf(error)}`
      return { kind: 'failed', code: 'POLICY_LIMIT', reason: why }
    }
    return { kind: 'failed', code: 'POLICY_FAILED', reason: 'gave no answer' }
  }

  async stop(): Promise<void> {
    await this.#thread?.terminate()
    this.#thread = undefined
    this.#facts = undefined
  }

  async #start(): Promise<Worker> {
    const { memory } = this.#limits
    const thread = new Worker(programFile('policy/io/policy-worker'), {
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: memory, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
    })
    // What ends a thread that is being stopped has nobody who waits for it any more.
    thread.on('error', () => undefined)
    this.#thread = thread
    await answerOf(thread, START)
    return thread
  }
}

class OutOfTime extends Error {
  readonly limit: number

  constructor(limit: number) {
    super()
    this.limit = limit
  }
}

/** The next message of a thread. Rejects with what ends it, and with `OutOfTime`. */
async function answerOf(thread: Worker, limit: number): Promise<EvaluationAnswer> {
  const waiting = new AbortController()
  const { signal } = waiting
  try {
    return await new Promise<EvaluationAnswer>((resolve, reject) => {
      const timer = setTimeout(() => reject(new OutOfTime(limit)), limit)
      signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
      once(thread, 'message', { signal }).then(([answer]) => resolve(answer), reject)
      once(thread, 'exit', { signal }).then(([code]) => reject(new Error(`its thread ended with ${code}`)), reject)
    })
  } finally {
    waiting.abort()
  }
}

function knownFacts(facts: EstablishedFacts): Partial<Facts> {
  const known = GROUP_NAMES.map((name) => {
    const fact = facts[name]
    return fact.known ? { [name]: fact.value } : {}
  })
  return Object.assign({}, ...known)
}
