import { eventKey, type NewEvent } from '../event.ts'
import type { Moment } from '../moment.ts'

/** Until when an image is supported, as its definition says: days as YYYY-MM-DD. */
export interface SupportedImage {
  readonly image: string
  readonly upstreamEnd: string | undefined
  readonly archiveEnd: string | undefined
}

/** What events of the kinds `end-of-life` and `support-ended` say. */
export type EndOfSupport = {
  readonly image: string
  readonly which: 'upstream' | 'archive'
  readonly date: string
  /** So many days before it, or fewer, it was noticed; 0 for what has ended. */
  readonly days: number
}

/** Days before an end at which it is told: whoever has to move needs months, and forgets. */
const WARNINGS = [180, 90, 30, 7]
const DAY = 86_400_000

/**
 * Finds whose support ends soon (`end-of-life`) or has ended (`support-ended`), by today's day in UTC. The last day is one of support. Of each end
 * the last warning that is due is told, once; asked again, the events have the same keys.
 */
export function supportEvents(images: readonly SupportedImage[], seen: Moment): readonly NewEvent[] {
  const today = Date.parse(seen.slice(0, 10))
  return images.flatMap(({ image, upstreamEnd, archiveEnd }) => [
    ...eventOf({ image, which: 'upstream', date: upstreamEnd }, today, seen),
    ...eventOf({ image, which: 'archive', date: archiveEnd }, today, seen),
  ])
}

interface NamedEnd extends Pick<EndOfSupport, 'image' | 'which'> {
  readonly date: string | undefined
}

function eventOf({ image, which, date }: NamedEnd, today: number, seen: Moment): readonly NewEvent[] {
  if (date === undefined) return []
  const left = (Date.parse(date) - today) / DAY
  if (Number.isNaN(left)) return []
  const days = left < 0 ? 0 : WARNINGS.findLast((warning) => left <= warning)
  if (days === undefined) return []
  const kind = left < 0 ? 'support-ended' : 'end-of-life'
  const payload: EndOfSupport = { image, which, date, days }
  return [{ kind, subject: image, key: eventKey(kind, image, { which, date, days }), payload, seen }]
}
