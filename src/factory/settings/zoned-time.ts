/** A time of the wall clock somewhere, to the minute. */
export interface WallTime {
  readonly year: number
  /** From 1. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
}

/** Days of the week as settings have them, from Sunday. */
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
/** One of `WEEKDAYS`. */
export type Weekday = (typeof WEEKDAYS)[number]

const MINUTE = 60_000
const DAY = 86_400_000

/** Tells whether a name is of a time zone that is known here (IANA). */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** What the wall clock of a zone shows at an instant, in milliseconds since 1970. */
export function wallTimeAt(instant: number, zone: string): WallTime {
  let format = formats.get(zone)
  if (format === undefined) {
    const numeric = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const
    format = new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', { ...numeric, timeZone: zone, hourCycle: 'h23' })
    formats.set(zone, format)
  }
  const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]))
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0
  return { year: part('year'), month: part('month'), day: part('day'), hour: part('hour'), minute: part('minute') }
}

/**
 * The first instant at which the wall clock of a zone shows a time. One that is left out where clocks go forward is the
 * instant at which they do; of one that comes twice it is the first. A day beyond the month's end is one of the next month.
 */
export function instantOf(wall: WallTime, zone: string): number {
  const wanted = asUtc(wall)
  const offsets = [wanted - DAY, wanted + DAY].map((near) => asUtc(wallTimeAt(near, zone)) - near)
  const candidates = offsets.map((offset) => wanted - offset).sort((left, right) => left - right)
  const found = candidates.find((instant) => asUtc(wallTimeAt(instant, zone)) === wanted)
  return found ?? firstAfterGap(candidates, wanted, zone)
}

/** The weekday of a date, wherever. */
export function weekdayOf({ year, month, day }: WallTime): Weekday {
  return WEEKDAYS[new Date(Date.UTC(year, month - 1, day)).getUTCDay()] ?? 'sun'
}

/** The instant at which clocks go forward lies between the two readings of a time that does not exist. */
function firstAfterGap(candidates: readonly number[], wanted: number, zone: string): number {
  let [low = 0, high = 0] = candidates
  while (high - low > MINUTE) {
    const middle = low + Math.floor((high - low) / MINUTE / 2) * MINUTE
    if (asUtc(wallTimeAt(middle, zone)) > wanted) high = middle
    else low = middle
  }
  return high
}

function asUtc({ year, month, day, hour, minute }: WallTime): number {
  return Date.UTC(year, month - 1, day, hour, minute)
}
