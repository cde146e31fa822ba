import type { ImageEnd, Moment, NewBatch, RunImage, RunState, WorkLog, WorkMessage, WorkPhase } from '#factory'
import type { Sender } from '../queue/sender.ts'
import { type Atomically, jsonText, onlyRow } from '../session.ts'

/** Locks of the database that runs have: the class, then the run's number. */
const RUN_LOCKS = 7_391_003

interface ImageRow {
  readonly image: string
  readonly after: readonly string[]
  readonly reasons: RunImage['reasons']
  readonly sent: readonly WorkPhase[]
  readonly gated: boolean
  readonly state: ImageEnd['state'] | null
  readonly reason: string | null
}

/** The work on runs in PostgreSQL. */
export class StoredWork implements WorkLog {
  readonly #atomically: Atomically
  readonly #sender: Sender

  constructor(atomically: Atomically, sender: Sender) {
    this.#atomically = atomically
    this.#sender = sender
  }

  async state(run: number): Promise<RunState | undefined> {
    return await this.#atomically(async (session) => {
      await session.query('wait for another worker', 'select pg_advisory_xact_lock($1, $2::int)', [RUN_LOCKS, run])
      const [found] = await session.query<{
        plan: number
        started: Moment
        cancelled: RunState['cancelled'] | null
      }>(
        'read a run',
        `select plan, started, (select json_build_object('by', c.cancelled_by, 'reason', c.reason)
           from casemate.run_cancel c where c.run = id) as cancelled
         from casemate.run where id = $1`,
        [run],
      )
      if (found === undefined) return undefined
      const images = await session.query<ImageRow>(
        'read the images of a run',
        `select p.image, p.after, p.reasons, e.state, e.reason,
           array(select b.phase from casemate.run_batch_image b where b.run = $1 and b.image = p.image) as sent,
           exists (select from casemate.stage_record s
             where s.run = $1 and s.image = p.image and s.stage = 'gate' and s.state = 'done') as gated
         from casemate.plan_image p left join casemate.run_image_end e on e.run = $1 and e.image = p.image
         where p.plan = $2 and p.held is null order by p.position`,
        [run, found.plan],
      )
      const names = new Set(images.map(({ image }) => image))
      return {
        plan: found.plan,
        started: found.started,
        cancelled: found.cancelled ?? undefined,
        images: images.map(({ image, after, reasons, sent, gated, state, reason }) => ({
          ...{ image, reasons, sent },
          after: after.filter((name) => names.has(name)),
          isCandidate: gated,
          end: state === null ? undefined : { state, reason: reason ?? '' },
        })),
      }
    })
  }

  async send(run: number, batches: readonly NewBatch[]): Promise<void> {
    if (batches.length === 0) return
    await this.#atomically(async (session) => {
      const rows = await session.query<{ next: number }>(
        'number batches',
        'select coalesce(max(number), 0)::int + 1 as next from casemate.run_batch where run = $1',
        [run],
      )
      const { next } = onlyRow(rows, 'number batches')
      const numbered = batches.map(({ phase, images }, at) => ({ number: next + at, phase, images }))
      await session.query(
        'record batches',
        `with batch as (select * from jsonb_to_recordset($2::jsonb) as r (number int, phase text, images jsonb)),
         added as (insert into casemate.run_batch (run, number, phase, images)
           select $1, number, phase, array(select jsonb_array_elements_text(images)) from batch)
         insert into casemate.run_batch_image (run, image, phase, number)
         select $1, image, phase, number from batch, jsonb_array_elements_text(images) as image`,
        [run, jsonText(numbered)],
      )
      await this.#sender.send(
        session,
        numbered.map(({ number }, at) => ({ run, batch: number, isFirst: batches[at]?.isBegun === true })),
      )
    })
  }

  async batch({ run, batch }: WorkMessage): Promise<Omit<NewBatch, 'isBegun'> | undefined> {
    const [row] = await this.#atomically(
      async (session) =>
        await session.query<Omit<NewBatch, 'isBegun'>>(
          'read a batch',
          'select phase, images from casemate.run_batch where run = $1 and number = $2',
          [run, batch],
        ),
    )
    return row
  }

  async end(run: number, ends: readonly ImageEnd[]): Promise<readonly ImageEnd[]> {
    if (ends.length === 0) return []
    const rows = await this.#atomically(
      async (session) =>
        await session.query<{ image: string }>(
          'record how images ended',
          `insert into casemate.run_image_end (run, image, state, reason, at)
           select $1, image, state, reason, at
           from jsonb_to_recordset($2::jsonb) as r (image text, state text, reason text, at timestamptz)
           on conflict (run, image) do nothing returning image`,
          [run, jsonText(ends.map(({ image, state, reason, at }) => ({ image, state, reason, at })))],
        ),
    )
    const ended = new Set(rows.map(({ image }) => image))
    return ends.filter(({ image }) => ended.has(image))
  }

  async close(run: number, closed: Moment): Promise<void> {
    await this.#atomically(
      async (session) =>
        await session.query(
          'close a run',
          'insert into casemate.run_end (run, at) values ($1, $2) on conflict (run) do nothing',
          [run, closed],
        ),
    )
  }

  async open(): Promise<readonly number[]> {
    const rows = await this.#atomically(
      async (session) =>
        await session.query<{ id: number }>('look for open runs', 'select id from casemate.open_run order by id'),
    )
    return rows.map(({ id }) => id)
  }

  async resend(run: number): Promise<void> {
    await this.#atomically(async (session) => {
      await session.query('wait for another worker', 'select pg_advisory_xact_lock($1, $2::int)', [RUN_LOCKS, run])
      const rows = await session.query<{ number: number }>(
        'look for batches that are not done',
        // A batch to be made is done with when each of its images has ended, or waits for its tags as a candidate.
        `select b.number from casemate.run_batch b where b.run = $1 and exists (
           select from unnest(b.images) as i (image)
           where not exists (select from casemate.run_image_end e where e.run = $1 and e.image = i.image)
             and (b.phase = 'publish' or not exists (select from casemate.stage_record s
               where s.run = $1 and s.image = i.image and s.stage = 'gate' and s.state = 'done')))
         order by b.number`,
        [run],
      )
      const queued = await this.#sender.batchesOf(session, run)
      const lost = rows.filter(({ number }) => !queued.has(number))
      await this.#sender.send(
        session,
        lost.map(({ number }) => ({ run, batch: number, isFirst: false })),
      )
    })
  }
}
