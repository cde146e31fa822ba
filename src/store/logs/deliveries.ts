import type { Deliveries, DeliveryOutcome, DueMessage, Message, Moment, RouteOptions, TakeDueOptions } from '#factory'
import type { Session } from '../database.ts'
import type { Atomically } from '../session.ts'
import { MESSAGE_COLUMNS, type MessageRow, messageOfRow } from './outbox.ts'

/** Nothing waits so long: a message that is due later was given its time by a clock that was wrong, and is due. */
const FARTHEST = '4 days'

/** Which messages are on their way to whom, in PostgreSQL. */
export class StoredDeliveries implements Deliveries {
  readonly #atomically: Atomically

  constructor(atomically: Atomically) {
    this.#atomically = atomically
  }

  async subscribe(subscriber: string): Promise<void> {
    await this.#atomically((session) =>
      session.query(
        'begin to tell a subscriber',
        `insert into casemate.subscriber (name, since, upto)
         select $1, tip, tip from (select coalesce(max(id), 0) as tip from casemate.message) m on conflict do nothing`,
        [subscriber],
      ),
    )
  }

  async route(subscriber: string, wants: (message: Message) => boolean, { limit, now }: RouteOptions): Promise<number> {
    return await this.#atomically(async (session) => {
      const [known] = await session.query<{ upto: number }>(
        'find a subscriber',
        'select upto from casemate.subscriber where name = $1 for update',
        [subscriber],
      )
      if (known === undefined) return 0
      const rows = await session.query<MessageRow>(
        'read the outbox',
        `select ${MESSAGE_COLUMNS} from casemate.message where id > $1 order by id limit $2`,
        [known.upto, limit],
      )
      const last = rows.at(-1)
      if (last === undefined) return 0
      const wanted = rows.map(messageOfRow).filter(wants)
      await session.query(
        'let messages be under way',
        `insert into casemate.undelivered (subscriber, message, image, attempt, due)
         select $1, message, image, 0, $2 from unnest($3::bigint[], $4::text[]) as w (message, image)`,
        [subscriber, now, wanted.map(({ id }) => id), wanted.map(({ image }) => image ?? '')],
      )
      await session.query('move a subscriber on', 'update casemate.subscriber set upto = $2 where name = $1', [
        subscriber,
        last.id,
      ])
      return rows.length
    })
  }

  async take(subscriber: string, { limit, now, lease }: TakeDueOptions): Promise<readonly DueMessage[]> {
    return await this.#atomically(async (session) => {
      const rows = await session.query<MessageRow & { attempt: number }>(
        'take messages that are due',
        `with due as (
           select u.message from casemate.undelivered u
           where u.subscriber = $1 and (u.due <= $2 or u.due > $2::timestamptz + interval '${FARTHEST}') and not exists (
             select from casemate.undelivered e where e.subscriber = u.subscriber and e.image = u.image and e.message < u.message)
           order by u.message limit $3 for update skip locked
         ), taken as (
           update casemate.undelivered u set attempt = u.attempt + 1, due = $4
           from due where u.subscriber = $1 and u.message = due.message returning u.message, u.attempt
         )
         select ${MESSAGE_COLUMNS}, attempt from taken join casemate.message on id = message order by id`,
        [subscriber, now, limit, lease],
      )
      return rows.map(({ attempt, ...row }) => ({ message: messageOfRow(row), attempt }))
    })
  }

  async settle(subscriber: string, { message, attempt }: DueMessage, outcome: DeliveryOutcome): Promise<void> {
    await this.#atomically(async (session) => {
      await session.query(
        'record what became of a message',
        `insert into casemate.delivery (subscriber, message, attempt, state, reason, at) values ($1, $2, $3, $4, $5, $6)`,
        [subscriber, message.id, attempt, outcome.state, 'reason' in outcome ? outcome.reason : null, outcome.at],
      )
      await advance(session, [subscriber, message.id, attempt], outcome)
    })
  }

  async nextDue(subscriber: string): Promise<Moment | undefined> {
    const [row] = await this.#atomically((session) =>
      session.query<{ due: Moment | null }>(
        'read when the next message is due',
        // One that waits for an earlier one of its image is not due, whatever stands in its row.
        `select min(due) as due from casemate.undelivered u where subscriber = $1 and not exists (
           select from casemate.undelivered e where e.subscriber = u.subscriber and e.image = u.image and e.message < u.message)`,
        [subscriber],
      ),
    )
    return row?.due ?? undefined
  }
}

/** A message that was told has gone whoever took it last; one that failed waits, unless another has taken it since. */
async function advance(
  session: Session,
  place: readonly [subscriber: string, message: number, attempt: number],
  outcome: DeliveryOutcome,
): Promise<void> {
  if (outcome.state === 'failed') {
    await session.query(
      'let a message wait',
      'update casemate.undelivered set due = $4 where subscriber = $1 and message = $2 and attempt = $3',
      [...place, outcome.again],
    )
    return
  }
  const condition = outcome.state === 'delivered' ? 'attempt >= $3' : 'attempt = $3'
  await session.query(
    'end the way of a message',
    `delete from casemate.undelivered where subscriber = $1 and message = $2 and ${condition}`,
    place,
  )
}
