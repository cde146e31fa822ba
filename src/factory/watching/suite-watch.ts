import type { Json } from '#core'
import { type EventKind, eventKey, type NewEvent } from '../event.ts'
import type { Moment } from '../moment.ts'
import {
  type ArchiveChange,
  changedPackages,
  formatSuitePackages,
  parseSuitePackages,
  type SuiteMark,
  type SuitePackages,
} from './suite-change.ts'

/** Why an archive must not be built from. */
export type ArchiveAlarm = 'rolled-back' | 'stale' | 'expired' | 'untrusted' | 'from-future'

/** What the watch of a suite has come to. */
export type SuiteWatch = {
  /** The last state that is believed; absent before the first. */
  readonly mark?: SuiteMark
  /** Debian's names, sorted: those whose packages are kept. */
  readonly architectures: readonly string[]
  /** Absent while all is well. */
  readonly alarm?: { readonly kind: ArchiveAlarm; readonly reason: string; readonly since: Moment }
  /** How many alarms there were: two of the same kind are two events. */
  readonly alarms: number
}

/** What was seen of a suite. */
export type SuiteSighting =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'changed'; readonly mark: SuiteMark; readonly packages: SuitePackages }
  | { readonly kind: 'refused'; readonly alarm: ArchiveAlarm; readonly reason: string }

/** Where a sighting was made. */
export interface SightingPlace {
  readonly archive: string
  readonly suite: string
  readonly architectures: readonly string[]
  readonly seen: Moment
}

/** Where a watch goes because of a sighting, with the events of that step, and the packages that are kept from now on. */
export interface SuiteStep {
  readonly watch: SuiteWatch
  /** Lines of `formatSuitePackages`; `undefined` where those that are kept stay. */
  readonly content: string | undefined
  readonly events: readonly NewEvent[]
}

/**
 * Decides what a sighting of a suite means after what was recorded; `undefined` where it changes nothing. `before` gives the packages
 * that are kept. A state with an alarm is not taken: when the archive is in order again, what changed is told against the
 * last state that was believed.
 */
export function stepSuiteWatch(
  watch: SuiteWatch | undefined,
  before: () => string,
  sighting: SuiteSighting,
  place: SightingPlace,
): SuiteStep | undefined {
  const known = watch ?? { architectures: [], alarms: 0 }
  if (sighting.kind === 'refused') return refuse(known, sighting, place)
  const { alarm, ...calm } = known
  const recovered = alarm === undefined ? [] : [recovery(known, place)]
  if (sighting.kind === 'unchanged' || isKnown(known, sighting.mark, place)) {
    return alarm === undefined ? undefined : { watch: calm, content: undefined, events: recovered }
  }
  const { mark, packages } = sighting
  const kept = known.mark === undefined ? undefined : parseSuitePackages(before())
  // Nothing is known of what was not read for both states.
  const common = place.architectures.filter((one) => known.architectures.includes(one))
  const changes = kept === undefined ? [] : changedPackages(kept, packages, common)
  const isTold = known.mark === undefined || changes.length > 0 || isRenamed(known.mark, mark)
  const change: ArchiveChange = {
    archive: place.archive,
    suite: place.suite,
    ...(known.mark === undefined ? {} : { from: known.mark }),
    to: mark,
    packages: changes,
  }
  return {
    watch: { ...calm, mark, architectures: place.architectures },
    content: formatSuitePackages(packages),
    events: [...recovered, ...(isTold ? [event('archive-changed', place, mark.digest, change)] : [])],
  }
}

/** Another scheduler may have recorded the same state meanwhile. */
function isKnown({ mark, architectures }: SuiteWatch, seen: SuiteMark, place: SightingPlace): boolean {
  return mark?.digest === seen.digest && architectures.join(' ') === place.architectures.join(' ')
}

/** What the suite says of itself: `stable` became `oldstable`, or there was a point release. */
function isRenamed(before: SuiteMark, after: SuiteMark): boolean {
  return before.suite !== after.suite || before.version !== after.version
}

function refuse(
  known: SuiteWatch,
  { alarm: kind, reason }: { readonly alarm: ArchiveAlarm; readonly reason: string },
  place: SightingPlace,
): SuiteStep | undefined {
  if (known.alarm?.kind === kind) return undefined
  const alarms = known.alarms + 1
  const payload = {
    archive: place.archive,
    suite: place.suite,
    alarm: kind,
    reason,
    ...(known.mark === undefined ? {} : { believed: known.mark }),
  }
  return {
    watch: { ...known, alarm: { kind, reason, since: place.seen }, alarms },
    content: undefined,
    events: [event('archive-alarm', place, { alarm: kind, count: alarms }, payload)],
  }
}

function recovery({ alarm, alarms }: SuiteWatch, place: SightingPlace): NewEvent {
  const payload = { archive: place.archive, suite: place.suite, alarm: alarm?.kind ?? '', since: alarm?.since ?? '' }
  return event('archive-recovered', place, { count: alarms }, payload)
}

/** `state` is what was come to: the digest of an InRelease, or which of all alarms this is. */
function event(kind: EventKind, { archive, suite, seen }: SightingPlace, state: Json, payload: Json): NewEvent {
  const subject = `${archive}/${suite}`
  return { kind, subject, key: eventKey(kind, subject, state), payload, seen }
}
