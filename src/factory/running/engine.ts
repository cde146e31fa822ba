import { inParallel } from '#core'
import type { Moment } from '../moment.ts'
import type { FactoryLogs, FactoryStore } from '../ports.ts'
import type { ImageEnd, RunImage, WorkMessage } from '../run.ts'
import { makeImage } from './make-images.ts'
import { nextWork } from './next-work.ts'
import { ENGINE_DEFAULTS, type EnginePorts, type EngineSettings, type WorkingPorts } from './ports.ts'
import { publishImages } from './publish-images.ts'
import { noteOfEnd } from './release-notes.ts'
import { StageJournal } from './stage-journal.ts'
import { tellFailures } from './tell-ends.ts'

/** Begins the run of a plan and hands out what is to be done first; gives its number. Idempotent: a plan is run once. */
export async function startRun(store: FactoryStore, plan: number, now: Moment): Promise<number> {
  return await store.transaction(async (logs) => {
    const run = await logs.runs.start(plan, now)
    await advance(logs, run, now)
    return run
  })
}

/**
 * Hands out again what was lost of runs that are not over: after a backup was restored, or when the queue's tables are gone. Harmless
 * at any time.
 */
export async function recoverRuns(store: FactoryStore, now: Moment): Promise<void> {
  for (const run of await store.work.open()) {
    await store.work.resend(run)
    await store.transaction((logs) => advance(logs, run, now))
  }
}

/** Decides, and records, what follows from where a run stands. Belongs into a transaction. */
async function advance(logs: FactoryLogs, run: number, at: Moment): Promise<readonly ImageEnd[]> {
  const { work, ledger } = logs
  const state = await work.state(run)
  if (state === undefined) return []
  const { ends, batches, isOver } = nextWork(state)
  const ended = await work.end(
    run,
    ends.map((end) => ({ ...end, at })),
  )
  await work.send(run, batches)
  if (isOver) await work.close(run, at)
  const notes = ended.flatMap((end) => noteOfEnd(run, end))
  const reasons = new Map(state.images.map((one) => [one.image, one.reasons]))
  await tellFailures(logs, run, ended, (image) => reasons.get(image) ?? [])
  if (notes.length > 0) await ledger.append(notes)
  return ended
}

/** Does the work of runs. Any number of engines may, in any processes: nothing is decided but in the store. */
export class Engine {
  readonly #ports: WorkingPorts
  readonly #settings: EngineSettings

  constructor(ports: EnginePorts, settings: Partial<EngineSettings> = {}) {
    this.#ports = { ...ports, journal: new StageJournal(ports.store) }
    this.#settings = { ...ENGINE_DEFAULTS, ...settings }
  }

  /**
   * Does what a message asks for, from where whoever had it before left it. Rejects with `WORK_HANDED_BACK` when the signal says that
   * time is over, and as the store does; then somebody else has to do it.
   */
  async perform(message: WorkMessage, signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#ports
    const batch = await store.work.batch(message)
    if (batch === undefined) return
    const { run } = message
    if (batch.phase === 'make') await this.#make(run, batch.images, signal)
    else await publishImages({ run, images: batch.images, signal }, this.#ports, this.#settings)
    const ended = await store.transaction((logs) => advance(logs, run, clock.now()))
    for (const end of ended) this.#ports.onNews?.({ run, kind: 'ended', ...end })
  }

  /** Images of a batch, each by itself: what goes wrong with one is no matter of the others. */
  async #make(run: number, names: readonly string[], signal: AbortSignal): Promise<void> {
    const { store } = this.#ports
    const state = await store.work.state(run)
    const wanted = new Set(names)
    const images = state?.images.filter(({ image, end }) => wanted.has(image) && end === undefined) ?? []
    const parents = images.flatMap(({ after }) => after)
    const records = await store.runs.records(run, [...new Set([...names, ...parents])])
    const faults: unknown[] = []
    await inParallel(this.#settings.parallel, images, async (image) => {
      try {
        const end = await makeImage({ run, image, records, signal }, this.#ports, this.#settings)
        if (end !== undefined) await this.#end(run, image, end)
      } catch (error) {
        faults.push(error)
      }
    })
    if (faults.length > 0) throw faults[0]
  }

  async #end(run: number, { image, reasons }: RunImage, end: Omit<ImageEnd, 'at' | 'image'>): Promise<void> {
    const { store, clock, onNews } = this.#ports
    const ended = await store.transaction(async (logs) => {
      const recorded = await logs.work.end(run, [{ image, ...end, at: clock.now() }])
      await tellFailures(logs, run, recorded, () => reasons)
      const notes = recorded.flatMap((one) => noteOfEnd(run, one))
      if (notes.length > 0) await logs.ledger.append(notes)
      return recorded
    })
    for (const one of ended) onNews?.({ run, kind: 'ended', ...one })
  }
}
