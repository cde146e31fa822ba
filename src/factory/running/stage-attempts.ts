import { canonicalJson, type Digest, digestOf, type Json, messageOf } from '#core'
import { FactoryError } from '../errors.ts'
import type { StageKey, StageRecord } from '../run.ts'
import { plainReason } from './plain-reason.ts'
import type { EngineSettings, PreparedStage, StageResult, WorkingPorts } from './ports.ts'

/** One stage of an image, however often it has to be tried. */
export interface StageTask {
  readonly place: Omit<StageKey, 'attempt'>
  /** What is recorded of it, of earlier workers among them. */
  readonly records: readonly StageRecord[]
  prepare(): Promise<PreparedStage>
  /** Tells that the worker's time is over. */
  readonly signal: AbortSignal
}

/** What a stage came to. Of one that is done the end is not recorded yet: that belongs to its caller's transaction. */
export type StageEnd =
  | { readonly kind: 'done'; readonly output: Json; readonly attempt: number; readonly input: Digest }
  | { readonly kind: 'failed' | 'cancelled'; readonly reason: string }

type Attempt =
  | Omit<Extract<StageEnd, { kind: 'done' }>, 'attempt'>
  | { readonly kind: 'failed'; readonly reason: string; readonly input: Digest; readonly canPass: boolean }

/** Of a stage that could not even look at what it reads. */
const NOTHING_READ = digestOf(canonicalJson(null))

/**
 * Does a stage: takes what the same input gave before, tries again what may pass, and gives up on what cannot, and on what has
 * ended too many workers. Every attempt that was begun is recorded. Rejects with `WORK_HANDED_BACK` when the worker's time is over, and
 * as the store does.
 */
export async function attemptStage(task: StageTask, ports: WorkingPorts, settings: EngineSettings): Promise<StageEnd> {
  const { store, journal, clock, worker, onNews } = ports
  const { place, records, signal } = task
  const fail = async (attempt: number, input: Digest, given: string) => {
    const at = clock.now()
    const reason = plainReason(given)
    await journal.record([{ ...place, attempt, input, worker, at, state: 'failed', reason }])
    return { kind: 'failed', reason } as const
  }
  const { last, deaths, failures } = countAttempts(records)
  if (deaths >= settings.deaths) {
    return await fail(last + 1, NOTHING_READ, `${deaths} workers have ended in the middle of it`)
  }
  for (let attempt = last + 1, tried = failures + 1; ; attempt++, tried++) {
    refuseWhenOver(signal, ports.stopping)
    const cancelled = await store.runs.cancellation(place.run)
    if (cancelled !== undefined) {
      return { kind: 'cancelled', reason: `${cancelled.by} has cancelled the run: ${cancelled.reason}` }
    }
    const outcome = await tryOnce(task, attempt, { ports, settings })
    if (outcome.kind === 'done') return { ...outcome, attempt }
    const ended = await fail(attempt, outcome.input, outcome.reason)
    if (!outcome.canPass || tried >= settings.attempts) return ended
    const milliseconds = settings.backOff * 2 ** (tried - 1)
    onNews?.({ ...place, kind: 'again', reason: ended.reason, milliseconds })
    await clock.sleep(milliseconds, signal)
  }
}

/** Throws `WORK_HANDED_BACK` when a worker's time is over. */
export function refuseWhenOver(...signals: readonly (AbortSignal | undefined)[]): void {
  if (signals.some((signal) => signal?.aborted === true))
    throw new FactoryError('WORK_HANDED_BACK', 'cannot go on with a batch: the worker is to stop')
}

async function tryOnce(
  { place, prepare, signal }: StageTask,
  attempt: number,
  { ports, settings }: { readonly ports: WorkingPorts; readonly settings: EngineSettings },
): Promise<Attempt> {
  const { store, journal, clock, worker, onNews } = ports
  let input = NOTHING_READ
  try {
    const stage = await prepare()
    input = digestOf(canonicalJson(stage.input))
    const known = await store.runs.outputFor(place.stage, input)
    if (known !== undefined && (await stage.stands(known))) {
      onNews?.({ ...place, kind: 'done', milliseconds: 0, isInherited: true })
      return { kind: 'done', output: known, input }
    }
    const began = clock.now()
    await journal.record([{ ...place, attempt, input, worker, at: began, state: 'started' }])
    onNews?.({ ...place, kind: 'started' })
    const result = await withinTime(stage, { signal, clock, timeOut: settings.timeOut })
    if (result.kind === 'refused') return { kind: 'failed', reason: result.reason, input, canPass: false }
    const milliseconds = Math.max(0, Date.parse(clock.now()) - Date.parse(began))
    onNews?.({ ...place, kind: 'done', milliseconds, isInherited: false })
    return { kind: 'done', output: result.output, input }
  } catch (error) {
    // Whatever a stage says that is told to stop, it is not what is wrong with it.
    refuseWhenOver(signal)
    return { kind: 'failed', reason: messageOf(error), input, canPass: isTimeOut(error) || ports.canPass(error) }
  }
}

/** Whoever does not listen to the signal goes on in vain: what it gives is not taken any more. */
async function withinTime(
  stage: PreparedStage,
  { signal, clock, timeOut }: { signal: AbortSignal; clock: WorkingPorts['clock']; timeOut: number },
): Promise<StageResult> {
  const timer = new AbortController()
  const late = new AbortController()
  const either = AbortSignal.any([signal, late.signal])
  const limit = clock.sleep(timeOut, AbortSignal.any([timer.signal, signal])).then((): never => {
    refuseWhenOver(signal)
    if (!timer.signal.aborted) late.abort()
    throw new FactoryError('STAGE_TIMED_OUT', `cannot go on: it took more than ${Math.round(timeOut / 1000)} s`)
  })
  const result = stage.perform(either)
  result.catch(() => undefined)
  limit.catch(() => undefined)
  try {
    return await Promise.race([result, limit])
  } finally {
    timer.abort()
  }
}

function isTimeOut(error: unknown): boolean {
  return error instanceof FactoryError && error.code === 'STAGE_TIMED_OUT'
}

/** The last attempt; how many failed; and how many have begun and not ended, because their worker did. */
function countAttempts(records: readonly StageRecord[]): { last: number; failures: number; deaths: number } {
  const ended = new Set(records.flatMap(({ state, attempt }) => (state === 'started' ? [] : [attempt])))
  return {
    last: Math.max(0, ...records.map(({ attempt }) => attempt)),
    failures: records.filter(({ state }) => state === 'failed').length,
    deaths: records.filter(({ state, attempt }) => state === 'started' && !ended.has(attempt)).length,
  }
}
