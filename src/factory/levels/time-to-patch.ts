import {
  CLOCK_MARKS,
  type ClockMark,
  type ClockMarkName,
  type FindingWay,
  summarizeTimes,
  type TimeSummary,
  timeBetween,
} from '../clock.ts'
import { compareSeverities, type PolicySeverity } from '../settings/severity.ts'

/** How long findings took that have something in common. Times are in milliseconds; `undefined` where none was measured. */
export interface TimeToPatch {
  /** Of those that were published. */
  readonly fromDisclosure: TimeSummary | undefined
  readonly fromFix: TimeSummary | undefined
  /** From disclosure until Debian had the fix. */
  readonly waitingForDebian: TimeSummary | undefined
  readonly published: number
  readonly open: number
}

/** The times to patch of each group that `groupOf` makes, in the order in which groups were met. */
export function timesToPatch<Group>(
  ways: Iterable<FindingWay>,
  groupOf: (way: FindingWay) => Group,
): ReadonlyMap<Group, TimeToPatch> {
  const groups = Map.groupBy(ways, groupOf)
  return new Map([...groups].map(([group, own]) => [group, timeToPatch(own)]))
}

/** Worst first; what nobody rated comes last. */
export function bySeverity(
  left: readonly [PolicySeverity | undefined, unknown],
  right: readonly [PolicySeverity | undefined, unknown],
): number {
  return compareSeverities(left[0], right[0])
}

function timeToPatch(ways: readonly FindingWay[]): TimeToPatch {
  const all = ways.map(marksOf)
  const times = (from: ClockMarkName, to: ClockMarkName) =>
    summarizeTimes(all.flatMap((marks) => timeBetween(marks, from, to) ?? []))
  const published = ways.filter(({ marks }) => marks.published !== undefined).length
  return {
    fromDisclosure: times('disclosed', 'published'),
    fromFix: times('fix-available', 'published'),
    waitingForDebian: times('disclosed', 'fix-available'),
    published,
    open: ways.length - published,
  }
}

/** A way as marks, in their order. */
export function marksOf({ finding, image, marks }: FindingWay): readonly ClockMark[] {
  return CLOCK_MARKS.flatMap((mark) => {
    const at = marks[mark]
    return at === undefined ? [] : [{ finding, image, mark, at }]
  })
}
