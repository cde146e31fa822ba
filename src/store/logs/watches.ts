import type { Json } from '#core'
import type { Watched, WatchLog, WatchStep } from '#factory'
import { type Atomically, jsonText } from '../session.ts'

/** What watchers have come to, in PostgreSQL. */
export class StoredWatches implements WatchLog {
  readonly #atomically: Atomically

  constructor(atomically: Atomically) {
    this.#atomically = atomically
  }

  async read(watch: string): Promise<Watched | undefined> {
    const rows = await this.#atomically((session) =>
      session.query<{ revision: number; state: Json; content: Uint8Array | null }>(
        'read what a watch has come to',
        'select revision, state, content from casemate.watched where watch = $1',
        [watch],
      ),
    )
    return rows.map(({ content, ...row }) => ({ ...row, content: content ?? undefined }))[0]
  }

  async move(watch: string, from: number, { state, content, at }: WatchStep): Promise<boolean> {
    const statement =
      from === 0
        ? `insert into casemate.watched (watch, revision, state, content, moved) values ($1, $2 + 1, $3, $4, $5)
           on conflict do nothing returning revision`
        : `update casemate.watched set revision = $2 + 1, state = $3, content = coalesce($4, content), moved = $5
           where watch = $1 and revision = $2 returning revision`
    const moved = await this.#atomically((session) =>
      session.query('move a watch on', statement, [
        watch,
        from,
        jsonText(state),
        content === undefined ? null : Buffer.from(content.buffer, content.byteOffset, content.byteLength),
        at,
      ]),
    )
    return moved.length === 1
  }

  async states(prefix: string): Promise<ReadonlyMap<string, Json>> {
    const rows = await this.#atomically((session) =>
      session.query<{ watch: string; state: Json }>(
        'read what watches have come to',
        'select watch, state from casemate.watched where starts_with(watch, $1) order by watch collate "C"',
        [prefix],
      ),
    )
    return new Map(rows.map(({ watch, state }) => [watch, state]))
  }
}
