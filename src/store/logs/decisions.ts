import type { Approval, DecisionLog, Hold, Moment, NewHold } from '#factory'
import { type Atomically, onlyRow } from '../session.ts'

/** What people decided, in PostgreSQL. */
export class StoredDecisions implements DecisionLog {
  readonly #atomically: Atomically

  constructor(atomically: Atomically) {
    this.#atomically = atomically
  }

  async hold({ image, reason, by, placed, until }: NewHold): Promise<number> {
    return await this.#atomically(async (session) => {
      const rows = await session.query<{ id: number }>(
        'place a hold',
        'insert into casemate.hold (image, reason, placed_by, placed, until) values ($1, $2, $3, $4, $5) returning id',
        [image ?? null, reason, by, placed, until ?? null],
      )
      return onlyRow(rows, 'place a hold').id
    })
  }

  async endHold(hold: number, by: string, ended: Moment): Promise<void> {
    await this.#atomically(async (session) => {
      await session.query(
        'end a hold',
        'insert into casemate.hold_end (hold, ended_by, ended) values ($1, $2, $3) on conflict (hold) do nothing',
        [hold, by, ended],
      )
    })
  }

  async holds(now: Moment): Promise<readonly Hold[]> {
    const rows = await this.#atomically(
      async (session) =>
        await session.query<{
          id: number
          image: string | null
          reason: string
          by: string
          placed: string
          until: string | null
        }>(
          'read holds',
          `select id, image, reason, placed_by as by, placed, until from casemate.open_hold
           where until is null or until > $1 order by id`,
          [now],
        ),
    )
    return rows.map(({ image, until, ...row }) => ({ ...row, image: image ?? undefined, until: until ?? undefined }))
  }

  async approve({ plan, image, approved, reason, by, given }: Approval): Promise<void> {
    await this.#atomically(async (session) => {
      await session.query(
        'record an approval',
        'insert into casemate.approval (plan, image, approved, reason, given_by, given) values ($1, $2, $3, $4, $5, $6)',
        [plan, image, approved, reason, by, given],
      )
    })
  }

  async approvals(plan: number): Promise<readonly Approval[]> {
    return await this.#atomically(
      async (session) =>
        await session.query<Approval>(
          'read approvals',
          'select plan, image, approved, reason, given_by as by, given from casemate.approval where plan = $1 order by id',
          [plan],
        ),
    )
  }
}
