import type { ClockMark, ClockMarkName } from '../clock.ts'
import type { Reason } from '../plan.ts'
import type { ImageEnd, RunImage, StageRecord } from '../run.ts'
import { findingsOf } from './findings.ts'
import type {
  Candidate,
  EnginePorts,
  EngineSettings,
  MakingStage,
  StageOutputs,
  StageWork,
  WorkingPorts,
} from './ports.ts'
import { attemptStage } from './stage-attempts.ts'

const MAKING: readonly MakingStage[] = ['lock', 'build', 'test', 'gate']

/** The marks that findings come to when a stage is done. */
const MARKS: Partial<Readonly<Record<MakingStage, ClockMarkName>>> = { build: 'built', gate: 'gated' }

/** One image that is to be made. */
export interface Making {
  readonly run: number
  readonly image: Pick<RunImage, 'image' | 'reasons' | 'after'>
  /** Of the image and of those that it is built on. */
  readonly records: readonly StageRecord[]
  readonly signal: AbortSignal
}

/**
 * Takes an image from its lock to its gate, from where an earlier worker left it. Gives how it ended, or `undefined` for a
 * candidate whose tags may move. One that is what its latest release is already ends there. Rejects as `attemptStage`.
 */
export async function makeImage(
  { run, image: { image, reasons, after }, records, signal }: Making,
  ports: WorkingPorts,
  settings: EngineSettings,
): Promise<Omit<ImageEnd, 'at' | 'image'> | undefined> {
  const parents = new Map(after.map((parent) => [parent, outputsIn(records, parent)]))
  let outputs = outputsIn(records, image)
  for (const stage of MAKING) {
    if (outputs[stage] === undefined) {
      const work: StageWork = { run, image, reasons, outputs, parents }
      const own = records.filter((record) => record.image === image && record.stage === stage)
      const task = {
        place: { run, image, stage },
        records: own,
        prepare: () => ports.stages.prepare(stage, work),
        signal,
      }
      const ended = await attemptStage(task, ports, settings)
      if (ended.kind !== 'done') return { state: ended.kind, reason: `${stage}: ${ended.reason}` }
      const { attempt, input, output } = ended
      const at = ports.clock.now()
      const done = { run, image, stage, attempt, input, worker: ports.worker, at, state: 'done', output } as const
      await ports.journal.record([done], marksAt(MARKS[stage], { image, reasons, at }))
      outputs = { ...outputs, [stage]: output }
    }
    if (stage !== 'build') continue
    const same = await latestIfSame(await ports.stages.candidates({ run, image, reasons, outputs, parents }), ports)
    if (same !== undefined) return { state: 'done', reason: `nothing to publish: it is what release ${same} is` }
  }
  return undefined
}

/** What the stages of an image gave that are done. */
export function outputsIn(records: readonly StageRecord[], image: string): StageOutputs {
  const done = records.flatMap((record) => {
    return record.image === image && record.state === 'done' ? [[record.stage, record.output] as const] : []
  })
  return Object.fromEntries(done)
}

/** The numbers of the latest releases when every variant is as it is there, with the same tags. */
export async function latestIfSame(
  candidates: readonly Candidate[],
  { store }: Pick<EnginePorts, 'store'>,
): Promise<string | undefined> {
  const numbers: number[] = []
  for (const { image, variant, digest, tags } of candidates) {
    const latest = await store.releases.latest(image, variant)
    if (latest?.digest !== digest || latest.tags.toSorted().join() !== tags.toSorted().join()) return undefined
    numbers.push(latest.id)
  }
  return numbers.join(', ')
}

/** The marks that the findings of some reasons come to. */
export function marksAt(
  mark: ClockMarkName | undefined,
  { image, reasons, at }: { readonly image: string; readonly reasons: readonly Reason[]; readonly at: string },
): readonly ClockMark[] {
  return mark === undefined ? [] : findingsOf(reasons).map((finding) => ({ finding, image, mark, at }))
}
