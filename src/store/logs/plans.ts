import type { Digest } from '#core'
import { type Held, type Plan, type PlanLog, planDigest, type Reason } from '#factory'
import type { Session } from '../database.ts'
import { type Atomically, jsonText, onlyRow } from '../session.ts'

/** The plans in PostgreSQL. */
export class StoredPlans implements PlanLog {
  readonly #atomically: Atomically

  constructor(atomically: Atomically) {
    this.#atomically = atomically
  }

  async record(plan: Plan): Promise<number> {
    return await this.#atomically(async (session) => {
      const digest = planDigest(plan)
      const [added] = await session.query<{ id: number }>(
        'record a plan',
        'insert into casemate.plan (digest, made) values ($1, $2) on conflict (digest) do nothing returning id',
        [digest, plan.made],
      )
      if (added !== undefined) {
        await recordParts(session, added.id, plan)
        return added.id
      }
      const known = await session.query<{ id: number }>(
        'find a plan',
        'select id from casemate.plan where digest = $1',
        [digest],
      )
      return onlyRow(known, 'find a plan').id
    })
  }

  async find(digest: Digest): Promise<number | undefined> {
    const [plan] = await this.#atomically(
      async (session) =>
        await session.query<{ id: number }>('find a plan', 'select id from casemate.plan where digest = $1', [digest]),
    )
    return plan?.id
  }

  async read(id: number): Promise<Plan | undefined> {
    return await this.#atomically(async (session) => {
      const [plan] = await session.query<{ made: string; events: number[] }>(
        'read a plan',
        `select made, array(select event from casemate.plan_event where plan = id order by event)::int[] as events
         from casemate.plan where id = $1`,
        [id],
      )
      if (plan === undefined) return undefined
      const images = await session.query<{ image: string; after: string[]; reasons: Reason[]; held: Held | null }>(
        'read a plan',
        'select image, after, reasons, held from casemate.plan_image where plan = $1 order by position',
        [id],
      )
      return { ...plan, images: images.map((image) => ({ ...image, held: image.held ?? undefined })) }
    })
  }
}

async function recordParts(session: Session, id: number, { events, images }: Plan): Promise<void> {
  await session.query(
    'record the events of a plan',
    'insert into casemate.plan_event (plan, event) select $1, event from unnest($2::bigint[]) as event',
    [id, events],
  )
  // Lists of lists are no SQL arrays of arrays, so each row comes as JSON.
  const rows = images.map(({ image, after, reasons, held }, position) => ({ position, image, after, reasons, held }))
  await session.query(
    'record the images of a plan',
    `insert into casemate.plan_image (plan, position, image, held, after, reasons)
     select $1, position, image, held, array(select jsonb_array_elements_text(after)), reasons
     from jsonb_to_recordset($2::jsonb) as r (position int, image text, held jsonb, after jsonb, reasons jsonb)`,
    [id, jsonText(rows)],
  )
}
