import type { Held, PlannedImage, Reason } from '../plan.ts'
import type { UpdatePolicy } from '../settings/policy-settings.ts'
import type { Outstanding, OutstandingChanges } from './outstanding.ts'

/** What is known of an image when it is decided about. */
export interface ImageQuestion extends OutstandingChanges {
  /** Reasons that are no newer package: it is asked for, its definition changed. */
  readonly asked: readonly Reason[]
  /** What it stacks on in the fleet, and what was decided of that; `undefined` where it is not rebuilt by this plan. */
  readonly parent: string | undefined
  readonly above: PlannedImage | undefined
  readonly policy: UpdatePolicy
  readonly now: number
}

/** Whether there is something to do for an image, before anybody's holds: the reasons, and until when they wait for others. */
export type ImageDecision =
  | { readonly kind: 'now'; readonly reasons: readonly Reason[]; readonly after: readonly string[] }
  | { readonly kind: 'waits'; readonly reasons: readonly Reason[]; readonly held: Held }
  | { readonly kind: 'nothing' }

/**
 * Decides by what is newer and how long that may wait. Who has one reason to be rebuilt now takes all others along, but for what its
 * definition pins and what its parent has to take first: that waits, and is told.
 */
export function decideImage(question: ImageQuestion): ImageDecision {
  const { own, inherited, asked, above, policy, now } = question
  const brought = broughtBy(question)
  const isWithParent = above?.held === undefined && brought.length > 0
  const sources = new Set(isWithParent ? inherited.map(({ reason }) => reason.source) : [])
  // What the parent brings in an even newer version is told once.
  const free = own.filter(
    ({ pinned, reason }) => pinned === undefined && !(reason.parent && sources.has(reason.source)),
  )
  const pinned = [...own, ...inherited].flatMap(({ pinned: waits, reason }) =>
    waits === undefined ? [] : [{ ...reason, waits }],
  )
  const later = isWithParent ? [] : inherited.filter((one) => one.pinned === undefined).map(waitingFor(question))
  const due = Math.min(...free.map((one) => dueAt(one, policy)))
  const ready = distinct([...asked, ...(isWithParent ? brought : []), ...free.map(({ reason }) => reason)])
  if (asked.length > 0 || isWithParent || due <= now) {
    const after = isWithParent && above !== undefined ? [above.image] : []
    return { kind: 'now', reasons: [...ready, ...later, ...pinned], after }
  }
  const held = free.length > 0 ? batched(free, due) : (later[0] ?? pinned[0])?.waits
  return held === undefined ? { kind: 'nothing' } : { kind: 'waits', reasons: [...ready, ...later, ...pinned], held }
}

/** What a parent that is rebuilt brings: its newer packages that the image has as well, and whatever else it is rebuilt for. */
function broughtBy({ inherited, above, parent }: ImageQuestion): readonly Reason[] {
  if (above === undefined || above.held !== undefined || parent === undefined) return []
  const others = above.reasons.filter(({ because, waits }) => because !== undefined && waits === undefined)
  return [
    ...others.map(({ event, because }) => ({
      ...{ event, parent, because: `${parent} is rebuilt: ${because}` },
      ...{ advisories: [], changes: [] },
    })),
    ...inherited.filter(({ pinned }) => pinned === undefined).map(({ reason }) => reason),
  ]
}

/** What its parent brings again may be what failed with it. */
function distinct(reasons: readonly Reason[]): readonly Reason[] {
  const keyOf = ({ event, because, source, parent }: Reason) => [event, because, source, parent].join(' ')
  return [...new Map(reasons.map((reason) => [keyOf(reason), reason])).values()]
}

function waitingFor({ parent, above }: ImageQuestion): (one: Outstanding) => Reason & { readonly waits: Held } {
  const held = above?.held
  const reason = held === undefined ? `${parent} is not rebuilt with it yet` : `${parent} is held: ${held.reason}`
  const waits: Held = { by: 'parent', reason, ...(held?.until === undefined ? {} : { until: held.until }) }
  return (one) => ({ ...one.reason, waits })
}

/** When an outstanding change has waited for others long enough, in milliseconds since 1970. */
export function dueAt({ reason: { severity }, seen }: Outstanding, { security, updates }: UpdatePolicy): number {
  return seen + (severity === undefined ? updates : security[severity])
}

/** Nothing in it hangs on when it is said: the same plan made again is the same. */
function batched(free: readonly Outstanding[], due: number): Held {
  const fixes = free.some(({ reason }) => reason.severity !== undefined)
  const reason = fixes ? 'batched: fixes that may wait for others' : 'batched: no finding is closed'
  return { by: 'policy', reason, until: new Date(due).toISOString() }
}
