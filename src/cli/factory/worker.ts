import { Engine, type EngineNews, type FactoryStore, recoverRuns } from '#factory'
import { UsageError } from '../errors.ts'
import { type ExitStatus, exitStatus, formatError } from '../exit-status.ts'
import type { Terminal } from '../terminal.ts'
import { tellNews } from './engine-news.ts'
import { type FactoryVerbOptions, type OpenFactory, systemClock, withFactory } from './open-factory.ts'

/** The options of `casemate worker`, as the command line gives them. */
export interface WorkerOptions extends FactoryVerbOptions {
  readonly concurrency: string
  readonly grace: string
  readonly untilDone?: boolean
  readonly json?: boolean
}

/** Milliseconds between two looks for work that the queue has lost, and for the end of all runs. */
const RECOVERY = 60_000
const LOOK = 500
/** Milliseconds in which the same trouble is told once. */
const TELLING = 30_000

/** Does the work of runs until a signal says to stop, or until none is open where that is asked for. */
export async function runWorker(options: WorkerOptions, terminal: Terminal): Promise<ExitStatus> {
  const settings = {
    concurrency: wholeNumber(options.concurrency, '--concurrency'),
    grace: wholeNumber(options.grace, '--grace'),
  }
  return await withFactory(options, terminal, async (factory) => {
    if (options.json !== true) terminal.print(`working for ${factory.tools.home} as ${factory.ports.worker}`)
    const until = options.untilDone === true ? allOver(factory.store) : new Promise<never>(() => undefined)
    return await work(factory, { ...settings, json: options.json === true, until }, terminal)
  })
}

/** How long and how somebody works. */
export interface Working {
  /** Batches at a time. */
  readonly concurrency: number
  /** Seconds that what is under way may go on when a signal says to stop. */
  readonly grace: number
  readonly json: boolean
  /** Ends the work when it resolves. */
  readonly until: Promise<unknown>
  /** What tells to stop, where that is listened for already. */
  readonly signals?: Signals
}

/** The first and the second signal that says to stop. */
export interface Signals {
  readonly first: Promise<void>
  readonly second: Promise<void>
  /** Listens no more. */
  forget(): void
}

/**
 * Works on whatever the queue has, until a signal or `until` says to stop: then nothing more is begun, what is under way is ended
 * or, after the grace or a second signal, handed back. The status is "no" where `until` was the end and an image failed meanwhile: who is
 * told to stop has stopped in order.
 */
export async function work(
  { ports, store, patience }: OpenFactory,
  { concurrency, grace, json, until, signals: given }: Working,
  terminal: Terminal,
): Promise<ExitStatus> {
  const stopping = new AbortController()
  let failed = 0
  let isTold = false
  const onNews = (news: EngineNews) => {
    if (news.kind === 'ended' && news.state !== 'done') failed++
    tellNews(news, { json, now: systemClock.now() }, terminal)
  }
  const engine = new Engine({ ...ports, onNews, stopping: stopping.signal }, patience)
  const told = new Map<string, number>()
  const onError = (error: unknown) => {
    const line = formatError(error)
    // Whoever waits for the database is told now and then that it is not there.
    if (stopping.signal.aborted || performance.now() - (told.get(line) ?? -TELLING) < TELLING) return
    told.set(line, performance.now())
    terminal.warn(line)
  }
  // First of all: whoever is told to stop while it begins has to end as it should, too.
  const signals = given ?? signalled()
  await recoverRuns(store, systemClock.now())
  const recovering = setInterval(() => void recoverRuns(store, systemClock.now()).catch(onError), RECOVERY)
  const queue = await store.queue.take((message, signal) => engine.perform(message, signal), { concurrency, onError })
  try {
    isTold = await Promise.race([signals.first.then(() => true), until.then(() => false)])
    stopping.abort()
    await Promise.race([queue.stop(grace * 1000), signals.second.then(() => queue.stop(1))])
  } finally {
    clearInterval(recovering)
    signals.forget()
    terminal.progress('')
  }
  return isTold || failed === 0 ? exitStatus.done : exitStatus.no
}

/** Resolves when no run is open. */
async function allOver(store: FactoryStore): Promise<void> {
  while ((await store.work.open()).length > 0) await pause(LOOK)
}

async function pause(milliseconds: number): Promise<void> {
  await systemClock.sleep(milliseconds, new AbortController().signal)
}

/** Listens for the signals that say to stop. */
export function signalled(): Signals {
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let count = 0
  const onSignal = () => (++count === 1 ? first : second).resolve()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, onSignal)
  return {
    first: first.promise,
    second: second.promise,
    forget: () => {
      for (const name of ['SIGTERM', 'SIGINT'] as const) process.off(name, onSignal)
    },
  }
}

/** Reads a number of an option. Throws `USAGE_INVALID`. */
export function wholeNumber(text: string, option: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw new UsageError('USAGE_INVALID', `cannot use "${text}" for ${option}: want a whole number from 1 to 99999`)
}
