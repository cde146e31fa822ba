import type { FactoryEvent, Hold, Moment } from '#factory'
import type { ImageStanding, ImageTotals, RunImageStages, RunSummary, VisibleImages } from '#store'
import { sees } from '../access/rights.ts'
import { type StandingFinding, standingFindings } from '../findings.ts'
import { formatCursor, parseCursor } from '../http/cursor.ts'
import type { Serving } from '../serving.ts'

/** Everything that the status page shows. */
export interface Status {
  readonly now: Moment
  readonly registry: string
  readonly version: string
  /** What has to be said loudly. */
  readonly warnings: readonly string[]
  readonly totals: ImageTotals
  readonly find: string
  readonly images: readonly ImageStanding[]
  /** The cursor of the images that follow. */
  readonly next: string | undefined
  /** Findings that have a fix, those that have least time left first. */
  readonly fixable: readonly StandingFinding[]
  readonly held: readonly HeldImage[]
  readonly runs: readonly ShownRun[]
  readonly events: readonly FactoryEvent[]
}

/** An image that stays as it is, by a plan or a person. */
export interface HeldImage {
  /** `undefined` for all images. */
  readonly image: string | undefined
  readonly by: string
  readonly reason: string
  readonly until: Moment | undefined
}

/** A run, and while it is open the images of it that are being worked on or went wrong. */
export interface ShownRun extends RunSummary {
  readonly images: readonly RunImageStages[]
}

/** How many of each are shown. */
const SHOWN = { images: 60, fixable: 12, held: 12, runs: 5, runImages: 200, events: 12 } as const

/** Reads what the status page shows to somebody who may see these images. Throws `REQUEST_INVALID` for a cursor that is none. */
export async function readStatus(
  serving: Serving,
  visible: VisibleImages,
  { find, cursor }: { find: string; cursor: string | undefined },
): Promise<Status> {
  const { store, registry, version } = serving
  const now = serving.now()
  const [image, variant] = cursor === undefined ? ['', ''] : parseCursor(cursor, ['string', 'string'])
  const latest = { before: Number.MAX_SAFE_INTEGER }
  const [warnings, { totals, fixable: ways }, images, plans, holds, runs, events] = await Promise.all([
    serving.warnings.read(),
    serving.standing.read(visible),
    store.images.list(visible, { after: { image, variant }, limit: SHOWN.images + 1, find }),
    store.history.held(visible, SHOWN.held),
    store.decisions.holds(now),
    store.history.runs(visible, { ...latest, limit: SHOWN.runs }),
    store.history.events(visible, { ...latest, limit: SHOWN.events }),
  ])
  const fixable = await standingFindings(ways, serving)
  const shown = images.slice(0, SHOWN.images)
  const last = shown.at(-1)
  // What is run comes before what it is built with.
  const isOther = ({ variant: name }: ImageStanding) => Number(name !== 'runtime')
  const sorted = shown.toSorted((left, right) => (left.image === right.image ? isOther(left) - isOther(right) : 0))
  return {
    ...{ now, registry, version, warnings, totals, find, images: sorted, events },
    fixable: fixable.toSorted(byTimeLeft).slice(0, SHOWN.fixable),
    next: images.length > SHOWN.images && last !== undefined ? formatCursor([last.image, last.variant]) : undefined,
    held: [
      ...holds.filter((hold) => hold.image === undefined || sees(visible, hold.image)).map(heldByPerson),
      ...plans.map(({ image, held }) => ({ image, by: held.by, reason: held.reason, until: held.until })),
    ].slice(0, SHOWN.held),
    runs: await Promise.all(runs.map((run) => readRun(serving, visible, run))),
  }
}

/** What is late by most first; what somebody answers for comes last. */
function byTimeLeft({ level: left }: StandingFinding, { level: right }: StandingFinding): number {
  const isExcused = ({ state }: StandingFinding['level']) => Number(state === 'excused')
  if (isExcused(left) !== isExcused(right)) return isExcused(left) - isExcused(right)
  const [one = '', other = ''] = [left.due, right.due]
  return one < other ? -1 : one > other ? 1 : 0
}

async function readRun({ store }: Serving, visible: VisibleImages, run: RunSummary): Promise<ShownRun> {
  if (run.ended !== null && run.failed === 0) return { ...run, images: [] }
  const images = await store.history.runImages(visible, run.id, { after: '', limit: SHOWN.runImages })
  const isOfInterest = ({ end, stages }: RunImageStages) => (end === null ? stages.length > 0 : end.state === 'failed')
  return { ...run, images: images.filter(isOfInterest).slice(0, 8) }
}

function heldByPerson({ image, by, reason, until }: Hold): HeldImage {
  return { image, by, reason, until }
}
