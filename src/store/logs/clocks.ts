import type { ClockLog, ClockMark, FindingWay, PolicySeverity, WayQuestion } from '#factory'
import type { Atomically } from '../session.ts'

/** The clocks' marks in PostgreSQL. */
export class StoredClocks implements ClockLog {
  readonly #atomically: Atomically

  constructor(atomically: Atomically) {
    this.#atomically = atomically
  }

  async record(marks: readonly ClockMark[]): Promise<void> {
    if (marks.length === 0) return
    await this.#atomically(async (session) => {
      // In the order of the key, so that two who record the same marks wait for each other and never across.
      await session.query(
        'record marks of the clocks',
        `insert into casemate.clock_mark (finding, image, mark, at, severity)
         select finding, image, mark, at, severity
         from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[]) with ordinality
           as m (finding, image, mark, at, severity, position)
         order by finding, image, mark, position on conflict do nothing`,
        [
          marks.map(({ finding }) => finding),
          marks.map(({ image }) => image),
          marks.map(({ mark }) => mark),
          marks.map(({ at }) => at),
          marks.map(({ severity }) => severity ?? null),
        ],
      )
    })
  }

  async ofImage(image: string): Promise<readonly ClockMark[]> {
    const rows = await this.#atomically(
      async (session) =>
        await session.query<ClockMark & { severity: PolicySeverity | null }>(
          'read the clocks of an image',
          'select finding, image, mark, at, severity from casemate.clock_mark where image = $1 order by finding, at, mark',
          [image],
        ),
    )
    return rows.map(({ severity, ...mark }) => (severity === null ? mark : { ...mark, severity }))
  }

  async ways({ image, since, after, limit }: WayQuestion): Promise<readonly FindingWay[]> {
    const rows = await this.#atomically(
      async (session) =>
        await session.query<FindingWay & { severity: PolicySeverity | null }>(
          'read the ways of findings',
          `select image, finding, (array_agg(severity order by at desc) filter (where severity is not null))[1] as severity,
             jsonb_object_agg(mark, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) as marks
           from casemate.clock_mark
           where ($1::text is null or image = $1) and ($3::text is null or (image, finding) > ($3, $4))
           group by image, finding
           having max(at) >= $2 or not bool_or(mark = 'published')
           order by image, finding limit $5`,
          [image ?? null, since, after?.image ?? null, after?.finding ?? null, limit],
        ),
    )
    return rows.map((row) => ({ ...row, severity: row.severity ?? undefined }))
  }
}
