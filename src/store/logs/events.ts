import type { EventKind, EventLog, FactoryEvent, NewEvent } from '#factory'
import type { Session } from '../database.ts'
import { StoreError } from '../errors.ts'
import { type Atomically, jsonText } from '../session.ts'

const COLUMNS = 'id, kind, subject, key, payload, seen'

/** The events in PostgreSQL. */
export class StoredEvents implements EventLog {
  readonly #atomically: Atomically

  constructor(atomically: Atomically) {
    this.#atomically = atomically
  }

  async record(events: readonly NewEvent[]): Promise<readonly FactoryEvent[]> {
    if (events.length === 0) return []
    return await this.#atomically(async (session) => {
      await insert(session, events)
      const rows = await session.query<FactoryEvent>(
        'read recorded events',
        `select ${COLUMNS} from casemate.event where key = any ($1)`,
        [events.map(({ key }) => key)],
      )
      const byKey = new Map(rows.map((row) => [row.key, row]))
      return events.map(({ key }) => {
        const row = byKey.get(key)
        if (row === undefined)
          throw new StoreError(
            'RECORD_REFUSED',
            `cannot record the event ${JSON.stringify(key)}: it is not there afterwards`,
          )
        return row
      })
    })
  }

  async recordNew(events: readonly NewEvent[]): Promise<readonly FactoryEvent[]> {
    if (events.length === 0) return []
    return await this.#atomically((session) => insert(session, events))
  }

  async ofKinds(kinds: readonly EventKind[], after: number, limit: number): Promise<readonly FactoryEvent[]> {
    return await this.#atomically(
      async (session) =>
        await session.query<FactoryEvent>(
          'read events',
          `select ${COLUMNS} from casemate.event where kind = any ($1) and id > $2 order by id limit $3`,
          [kinds, after, limit],
        ),
    )
  }

  async open(limit: number): Promise<readonly FactoryEvent[]> {
    return await this.#atomically(
      async (session) =>
        await session.query<FactoryEvent>(
          'read open events',
          `select ${COLUMNS} from casemate.open_event order by id limit $1`,
          [limit],
        ),
    )
  }
}

/** Records events whose keys are not known yet; gives those, in the order given. */
async function insert(session: Session, events: readonly NewEvent[]): Promise<readonly FactoryEvent[]> {
  const rows = await session.query<FactoryEvent>(
    'record events',
    `insert into casemate.event (kind, subject, key, payload, seen)
     select kind, subject, key, payload::jsonb, seen
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
       with ordinality as e (kind, subject, key, payload, seen, position)
     order by position on conflict (key) do nothing returning ${COLUMNS}`,
    [
      events.map(({ kind }) => kind),
      events.map(({ subject }) => subject),
      events.map(({ key }) => key),
      events.map(({ payload }) => jsonText(payload)),
      events.map(({ seen }) => seen),
    ],
  )
  return rows.toSorted((left, right) => left.id - right.id)
}
