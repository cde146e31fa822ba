import type { Digest, Json } from '#core'
import type { Cancellation, Moment, RunLog, StageName, StageOutput, StageRecord } from '#factory'
import { StoreError } from '../errors.ts'
import { type Atomically, jsonText, onlyRow } from '../session.ts'

interface StageRow {
  readonly run: number
  readonly image: string
  readonly stage: StageName
  readonly attempt: number
  readonly input: Digest
  readonly state: StageRecord['state']
  readonly output: Json
  readonly reason: string | null
  readonly worker: string
  readonly at: Moment
}

/** Runs and their stages in PostgreSQL. */
export class StoredRuns implements RunLog {
  readonly #atomically: Atomically
  readonly #reading: Atomically

  /** `reading` is for what one statement answers, which needs no transaction of its own. */
  constructor(atomically: Atomically, reading: Atomically) {
    this.#atomically = atomically
    this.#reading = reading
  }

  async start(plan: number, started: Moment): Promise<number> {
    return await this.#atomically(async (session) => {
      const [begun] = await session.query<{ id: number }>(
        'start a run',
        'insert into casemate.run (plan, started) values ($1, $2) on conflict (plan) do nothing returning id',
        [plan, started],
      )
      if (begun !== undefined) return begun.id
      const rows = await session.query<{ id: number }>('find a run', 'select id from casemate.run where plan = $1', [
        plan,
      ])
      return onlyRow(rows, 'find a run').id
    })
  }

  async record(records: readonly StageRecord[]): Promise<void> {
    if (records.length === 0) return
    await this.#atomically(async (session) => {
      await session.query(
        'record stages',
        `insert into casemate.stage_record (run, image, stage, input, attempt, state, output, reason, worker, at)
         select run, image, stage, input, attempt, state, output, reason, worker, at
         from rows from (jsonb_to_recordset($1::jsonb) as (run bigint, image text, stage text, input text, attempt int,
           state text, output jsonb, reason text, worker text, at timestamptz)) with ordinality
           as r (run, image, stage, input, attempt, state, output, reason, worker, at, position)
         order by position on conflict (run, image, stage, attempt, state) do nothing`,
        [jsonText(records)],
      )
    })
  }

  async records(run: number, images?: readonly string[]): Promise<readonly StageRecord[]> {
    const rows = await this.#reading(
      async (session) =>
        await session.query<StageRow>(
          'read the stages of a run',
          `select run, image, stage, attempt, input, state, output, reason, worker, at
           from casemate.stage_record where run = $1 and ($2::text[] is null or image = any ($2)) order by id`,
          [run, images ?? null],
        ),
    )
    return rows.map(stageRecord)
  }

  async outputFor(stage: StageName, input: Digest): Promise<Json | undefined> {
    const [row] = await this.#reading(
      async (session) =>
        await session.query<{ output: Json }>(
          'look for a stage that was done',
          `select output from casemate.stage_record where stage = $1 and input = $2 and state = 'done' order by id desc limit 1`,
          [stage, input],
        ),
    )
    return row?.output
  }

  async outputs(
    stage: StageName,
    places: readonly Pick<StageRecord, 'run' | 'image'>[],
  ): Promise<readonly StageOutput[]> {
    if (places.length === 0) return []
    return await this.#atomically(
      async (session) =>
        await session.query<StageOutput>(
          'read what stages gave',
          `select w.run, w.image, s.output
           from (select distinct * from unnest($2::bigint[], $3::text[]) as w (run, image)) w cross join lateral (
             select output from casemate.stage_record r
             where r.run = w.run and r.image = w.image and r.stage = $1 and r.state = 'done' order by id desc limit 1) s`,
          [stage, places.map(({ run }) => run), places.map(({ image }) => image)],
        ),
    )
  }

  async cancel(run: number, { by, reason, at }: Cancellation & { readonly at: Moment }): Promise<void> {
    await this.#atomically(
      async (session) =>
        await session.query(
          'cancel a run',
          'insert into casemate.run_cancel (run, cancelled_by, reason, at) values ($1, $2, $3, $4) on conflict (run) do nothing',
          [run, by, reason, at],
        ),
    )
  }

  async cancellation(run: number): Promise<Cancellation | undefined> {
    const [row] = await this.#reading(
      async (session) =>
        await session.query<Cancellation>(
          'ask whether a run is cancelled',
          'select cancelled_by as by, reason from casemate.run_cancel where run = $1',
          [run],
        ),
    )
    return row
  }
}

function stageRecord({ run, image, stage, attempt, input, state, output, reason, worker, at }: StageRow): StageRecord {
  const common = { run, image, stage, attempt, input, worker, at }
  switch (state) {
    case 'started':
      return { ...common, state }
    case 'done':
      return { ...common, state, output }
    default:
      if (reason === null)
        throw new StoreError('RECORD_INVALID', `cannot read a stage of run ${run}: it ${state} without a reason`)
      return { ...common, state, reason }
  }
}
