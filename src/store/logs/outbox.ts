import type { Json } from '#core'
import type { Message, MessageKind, NewMessage, Outbox, PolicySeverity } from '#factory'
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
}
