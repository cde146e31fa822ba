import type { Digest, Json } from '#core'
import type { Moment, RunLog, StageName, StageRecord } from '#factory'
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

  constructor(atomically: Atomically) {
    this.#atomically = atomically
  }

  async start(plan: number, started: Moment): Promise<number> {
    return await this.#atomically(async (session) => {
      const rows = await session.query<{ id: number }>(
        'start a run',
        'insert into casemate.run (plan, started) values ($1, $2) returning id',
        [plan, started],
      )
      return onlyRow(rows, 'start a run').id
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

  async records(run: number): Promise<readonly StageRecord[]> {
    const rows = await this.#atomically(
      async (session) =>
        await session.query<StageRow>(
          'read the stages of a run',
          `select run, image, stage, attempt, input, state, output, reason, worker, at
           from casemate.stage_record where run = $1 order by id`,
          [run],
        ),
    )
    return rows.map(stageRecord)
  }

  async outputFor(stage: StageName, input: Digest): Promise<Json | undefined> {
    const [row] = await this.#atomically(
      async (session) =>
        await session.query<{ output: Json }>(
          'look for a stage that was done',
          `select output from casemate.stage_record where stage = $1 and input = $2 and state = 'done' order by id desc limit 1`,
          [stage, input],
        ),
    )
    return row?.output
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
