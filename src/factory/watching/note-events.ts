import { canonicalJson, digestOf } from '#core'
import type { FactoryEvent, NewEvent } from '../event.ts'
import type { FactoryLogs } from '../ports.ts'
import { messagesOfEvent } from '../telling/event-messages.ts'

/**
 * Records events, and for each that nobody had recorded before a note in the ledger and what is to be told of it; gives those.
 * Belongs at the end of a transaction.
 */
export async function noteEvents(logs: FactoryLogs, events: readonly NewEvent[]): Promise<readonly FactoryEvent[]> {
  const fresh = await logs.events.recordNew(events)
  await logs.outbox.add(fresh.flatMap(messagesOfEvent))
  await logs.ledger.append(
    fresh.map(({ id, kind, subject, payload, seen }) => ({
      kind: 'event',
      subject,
      // The payload is as long as a point release; its digest vouches for it.
      body: { event: id, kind, payload: digestOf(canonicalJson(payload)) },
      at: seen,
    })),
  )
  return fresh
}
