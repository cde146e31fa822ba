import type { Moment } from './moment.ts'
import type { PolicySeverity } from './settings/severity.ts'

/** Where a finding in an image can have come to, in the order of its way from disclosure to a running container. */
export const CLOCK_MARKS = [
  'disclosed',
  'fix-available',
  'seen',
  'planned',
  'built',
  'gated',
  'published',
  'pulled',
  'running',
] as const
export type ClockMarkName = (typeof CLOCK_MARKS)[number]

/** A finding in an image came to a mark. Whatever is said of the same mark later changes nothing. */
export interface ClockMark {
  /** The advisory and the package, e.g. `CVE-2026-1000 openssl`. */
  readonly finding: string
  readonly image: string
  readonly mark: ClockMarkName
  readonly at: Moment
  /** How severe it was held to be then; absent where nobody said. */
  readonly severity?: PolicySeverity
}

/** The way of one finding in one image: each mark that it came to. */
export interface FindingWay {
  readonly finding: string
  readonly image: string
  /** By the last mark that says it. */
  readonly severity: PolicySeverity | undefined
  readonly marks: Readonly<Partial<Record<ClockMarkName, Moment>>>
}

/** The time between two marks that follow on one another for a finding in an image. */
export interface ClockSegment {
  readonly from: ClockMarkName
  readonly to: ClockMarkName
  /** Never negative: a mark that lies before the one it follows on, as a clock that was set may leave it, takes no time. */
  readonly milliseconds: number
}

/** Takes the way of one finding in one image apart: `disclosed` to `fix-available` is waiting for Debian. */
export function clockSegments(marks: readonly ClockMark[]): readonly ClockSegment[] {
  const at = new Map(marks.map((one) => [one.mark, Date.parse(one.at)]))
  const reached = CLOCK_MARKS.filter((mark) => at.has(mark))
  return reached.slice(1).map((to, index) => {
    const from = reached[index] ?? to
    return { from, to, milliseconds: Math.max(0, (at.get(to) ?? 0) - (at.get(from) ?? 0)) }
  })
}

/** Milliseconds from one mark to another; `undefined` while one of them was not reached. */
export function timeBetween(marks: readonly ClockMark[], from: ClockMarkName, to: ClockMarkName): number | undefined {
  const start = marks.find(({ mark }) => mark === from)
  const end = marks.find(({ mark }) => mark === to)
  if (start === undefined || end === undefined) return undefined
  return Math.max(0, Date.parse(end.at) - Date.parse(start.at))
}

/** What many times have in common, in milliseconds: the mean, and percentiles by nearest rank. */
export interface TimeSummary {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

/** Sums up times; `undefined` for none, which is not the same as no time. */
export function summarizeTimes(times: readonly number[]): TimeSummary | undefined {
  if (times.length === 0) return undefined
  const sorted = times.toSorted((left, right) => left - right)
  const percentile = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  const mean = sorted.reduce((sum, time) => sum + time, 0) / sorted.length
  return { count: sorted.length, mean, p50: percentile(0.5), p90: percentile(0.9), p99: percentile(0.99) }
}
