import type { FactoryEvent } from '../event.ts'
import type { Reason } from '../plan.ts'
import type { WaitingImage } from './holds.ts'
import type { FailedImage } from './retries.ts'

/** What events ask for by the name of an image, apart from newer packages. */
export interface AskedFor {
  readonly reasons: ReadonlyMap<string, readonly Reason[]>
  /** Of images that are named by events that ask for nothing: what there is to say. */
  readonly unchanged: ReadonlyMap<string, string>
}

/** Gathers it from events, and from what was held when it was asked for, or failed. */
export function askedFor(
  events: readonly FactoryEvent[],
  waiting: ReadonlyMap<string, Pick<WaitingImage, 'reasons'>>,
  failed: ReadonlyMap<string, Pick<FailedImage, 'reasons'>>,
): AskedFor {
  const reasons = new Map<string, Reason[]>()
  const unchanged = new Map<string, string>()
  const add = (image: string, reason: Reason) => {
    const known = reasons.get(image) ?? []
    const isKnown = known.some(({ event, because }) => event === reason.event && because === reason.because)
    if (!isKnown) reasons.set(image, [...known, reason])
  }
  for (const [image, before] of [...waiting, ...failed]) {
    for (const { waits: _, again: __, ...reason } of before.reasons)
      if (reason.because !== undefined) add(image, reason)
  }
  for (const event of events) {
    const because = becauseOf(event)
    if (because !== undefined)
      add(event.subject, { event: event.id, because, advisories: [], changes: [], ...baseOf(event) })
    const note = noteOf(event)
    if (note !== undefined) unchanged.set(event.subject, note)
  }
  return { reasons, unchanged }
}

function becauseOf({ kind, payload }: FactoryEvent): string | undefined {
  if (kind === 'definition-changed') return 'its definition changed'
  if (kind === 'base-changed') return 'the image that it stacks on moved'
  if (kind !== 'asked') return undefined
  const by = wordOf(payload, 'by')
  const reason = wordOf(payload, 'reason')
  return `asked for${by === undefined ? '' : ` by ${by}`}${reason === undefined ? '' : `: ${reason}`}`
}

/** Where an image has to move to: what its tag names when the run gets to it may be another one again. */
function baseOf({ kind, payload }: FactoryEvent): Pick<Reason, 'base'> {
  const [reference, digest] = kind === 'base-changed' ? [wordOf(payload, 'reference'), wordOf(payload, 'to')] : []
  return reference === undefined || digest === undefined ? {} : { base: { reference, digest } }
}

/** The end of support is told to people; a rebuild would not put it off. */
function noteOf({ kind }: FactoryEvent): string | undefined {
  if (kind === 'support-ended' || kind === 'end-of-life')
    return 'its support ends: a rebuild changes nothing about that'
  if (kind === 'parent-released') return 'what stacks on it has nothing to take from that'
  return undefined
}

function wordOf(payload: FactoryEvent['payload'], key: string): string | undefined {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return undefined
  const value = Object.entries(payload).find(([name]) => name === key)?.[1]
  return typeof value === 'string' && value !== '' ? value : undefined
}
