import type { Json } from '#core'
import type { FactoryEvent } from '../event.ts'

/** The archives that there is an alarm for, with why: a fold of the events of alarms and recoveries, in their order. */
export function alarmsOf(
  events: readonly Pick<FactoryEvent, 'kind' | 'subject' | 'payload'>[],
): ReadonlyMap<string, string> {
  const suites = new Map<string, string>()
  for (const { kind, subject, payload } of events) {
    if (kind === 'archive-alarm') suites.set(subject, `${subject}: ${reasonOf(payload)}`)
    else if (kind === 'archive-recovered') suites.delete(subject)
  }
  return new Map([...suites].map(([subject, reason]) => [subject.slice(0, subject.indexOf('/')), reason]))
}

function reasonOf(payload: Json): string {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return 'an alarm'
  const reason = Object.entries(payload).find(([key]) => key === 'reason')?.[1]
  return typeof reason === 'string' ? reason : 'an alarm'
}
