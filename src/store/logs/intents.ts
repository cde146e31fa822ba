import type { Digest } from '#core'
import type { IntentLog, TagIntent } from '#factory'
import { type Atomically, jsonText } from '../session.ts'

type IntentRow = Omit<TagIntent, 'cause'> & { readonly run: number | null; readonly restores: number | null }

/** What tags were to name, in PostgreSQL. */
export class StoredIntents implements IntentLog {
  readonly #atomically: Atomically
  readonly #reading: Atomically

  /** `reading` is for what one statement answers, which needs no transaction of its own. */
  constructor(atomically: Atomically, reading: Atomically) {
    this.#atomically = atomically
    this.#reading = reading
  }

  async intend(intents: readonly TagIntent[]): Promise<readonly TagIntent[]> {
    if (intents.length === 0) return []
    return await this.#atomically(async (session) => {
      await session.query(
        'record which tags are to be moved',
        `insert into casemate.tag_intent (image, variant, repository, digest, tags, run, restores, at)
         select image, variant, repository, digest, tags, (cause->>'run')::bigint, (cause->>'restores')::bigint, at
         from jsonb_to_recordset($1::jsonb) as r (image text, variant text, repository text, digest text, tags jsonb,
           cause jsonb, at timestamptz)
         on conflict (run, image, variant) where run is not null do nothing`,
        [jsonText(intents)],
      )
      const rows = await session.query<IntentRow>(
        'read which tags are to be moved',
        `select distinct on (t.image, t.variant, t.run, t.restores) t.image, t.variant, t.repository, t.digest, t.tags, t.run,
           t.restores, t.at
         from casemate.tag_intent t join jsonb_to_recordset($1::jsonb) as r (image text, variant text, cause jsonb)
           on t.image = r.image and t.variant = r.variant
           and (t.run = (r.cause->>'run')::bigint or t.restores = (r.cause->>'restores')::bigint)
         order by t.image, t.variant, t.run, t.restores, t.id desc`,
        [jsonText(intents.map(({ image, variant, cause }) => ({ image, variant, cause })))],
      )
      return rows.map(({ run, restores, ...intent }) => ({
        ...intent,
        cause: run === null ? { restores: restores ?? 0 } : { run },
      }))
    })
  }

  async named(image: string, variant: string): Promise<ReadonlySet<Digest>> {
    const rows = await this.#reading(
      async (session) =>
        await session.query<{ digest: Digest }>(
          'read what tags have named',
          `select digest from casemate.tag_intent where image = $1 and variant = $2
           union select digest from casemate.release where image = $1 and variant = $2`,
          [image, variant],
        ),
    )
    return new Set(rows.map(({ digest }) => digest))
  }
}
