import type { ClockLog, ClockMark } from '#factory'
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
        `insert into casemate.clock_mark (finding, image, mark, at)
         select finding, image, mark, at
         from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) with ordinality as m (finding, image, mark, at, position)
         order by finding, image, mark, position on conflict do nothing`,
        [
          marks.map(({ finding }) => finding),
          marks.map(({ image }) => image),
          marks.map(({ mark }) => mark),
          marks.map(({ at }) => at),
        ],
      )
    })
  }

  async ofImage(image: string): Promise<readonly ClockMark[]> {
    return await this.#atomically(
      async (session) =>
        await session.query<ClockMark>(
          'read the clocks of an image',
          'select finding, image, mark, at from casemate.clock_mark where image = $1 order by finding, at, mark',
          [image],
        ),
    )
  }
}
