import type { Json } from '#core'
import type { Forgetting, Message, MessageKind, NewMessage, Outbox, PolicySeverity } from '#factory'
import { type Atomically, jsonText } from '../session.ts'
import { APPEND_LOCK } from './ledger.ts'

/** A row of `casemate.message`. */
export interface MessageRow {
  readonly id: number
  readonly kind: MessageKind
  readonly image: string | null
  readonly owner: string | null
  readonly severity: PolicySeverity | null
  readonly title: string
  readonly body: Json
  readonly at: string
}

export const MESSAGE_COLUMNS = 'id, kind, image, owner, severity, title, body, at'

/** A message from its row: what is not known is left out. */
export function messageOfRow({ image, owner, severity, ...row }: MessageRow): Message {
  return {
    ...row,
    ...(image === null ? {} : { image }),
    ...(owner === null ? {} : { owner }),
    ...(severity === null ? {} : { severity }),
  }
}

/** So many at a time: what is locked while they go. */
const FORGOTTEN_AT_ONCE = 10_000

/** Of each image the newest stay; a subscriber that is new has looked at no message from before it came. */
const FORGOTTEN = `
  with old as materialized (
    select id, image from casemate.message where at < $1
      and id <= coalesce((select min(upto) from casemate.subscriber where name = any ($2)), 9223372036854775807)
  ), edge as (
    select i.image, e.id from (select distinct image from old where image is not null) i cross join lateral (
      select id from casemate.message m where m.image = i.image order by id desc offset $3 limit 1) e
    union all
    (select null, id from casemate.message where image is null order by id desc offset $3 limit 1)
  )
  select o.id from old o join edge e on e.image is not distinct from o.image and o.id <= e.id
  where not exists (select from casemate.undelivered u where u.message = o.id and u.subscriber = any ($2))
  order by o.id limit ${FORGOTTEN_AT_ONCE}`

/** The outbox in PostgreSQL. */
export class StoredOutbox implements Outbox {
  readonly #atomically: Atomically

  constructor(atomically: Atomically) {
    this.#atomically = atomically
  }

  async add(messages: readonly NewMessage[]): Promise<readonly Message[]> {
    if (messages.length === 0) return []
    return await this.#atomically(async (session) => {
      // Without it a message could become visible behind one with a higher number, and would never be looked at.
      await session.query('wait for the outbox', 'select pg_advisory_xact_lock($1)', [APPEND_LOCK])
      const rows = await session.query<MessageRow>(
        'add to the outbox',
        `insert into casemate.message (kind, image, owner, severity, title, body, at)
         select kind, image, owner, severity, title, body::jsonb, at
         from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
           with ordinality as m (kind, image, owner, severity, title, body, at, position)
         order by position returning ${MESSAGE_COLUMNS}`,
        [
          messages.map(({ kind }) => kind),
          messages.map(({ image }) => image ?? null),
          messages.map(({ owner }) => owner ?? null),
          messages.map(({ severity }) => severity ?? null),
          messages.map(({ title }) => title),
          messages.map(({ body }) => jsonText(body)),
          messages.map(({ at }) => at),
        ],
      )
      return rows.toSorted((left, right) => left.id - right.id).map(messageOfRow)
    })
  }

  async latest(image: string | undefined, limit: number): Promise<readonly Message[]> {
    const rows = await this.#atomically((session) =>
      session.query<MessageRow>(
        'read the outbox',
        `select ${MESSAGE_COLUMNS} from casemate.message where $1::text is null or image = $1 order by id desc limit $2`,
        [image ?? null, limit],
      ),
    )
    return rows.map(messageOfRow)
  }

  async tip(): Promise<number> {
    const [row] = await this.#atomically((session) =>
      session.query<{ id: number | null }>('read the end of the outbox', 'select max(id) as id from casemate.message'),
    )
    return row?.id ?? 0
  }

  async forget({ before, subscribers, keep }: Forgetting): Promise<number> {
    return await this.#atomically(async (session) => {
      const rows = await session.query<{ id: number }>('find messages that can be forgotten', FORGOTTEN, [
        before,
        subscribers,
        keep,
      ])
      const ids = rows.map(({ id }) => id)
      if (ids.length === 0) return 0
      for (const table of ['undelivered', 'delivery']) {
        await session.query('forget deliveries', `delete from casemate.${table} where message = any ($1)`, [ids])
      }
      await session.query('forget messages', 'delete from casemate.message where id = any ($1)', [ids])
      return ids.length
    })
  }
}
