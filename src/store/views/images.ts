import type { Digest } from '#core'
import type { FindingWay, Moment, PolicySeverity } from '#factory'
import { type Atomically, onlyRow } from '../session.ts'
import { patternExpressions, type VisibleImages } from './visible.ts'

/** What an image and variant is at now, and how it stands with its findings. */
export interface ImageStanding {
  readonly image: string
  readonly variant: string
  readonly release: number
  readonly digest: Digest
  readonly tags: readonly string[]
  readonly released: Moment
  readonly platforms: readonly string[]
  /** Findings of the image, whichever variant, that no release has closed. */
  readonly open: number
  /** Those of them that have a fix. */
  readonly fixable: number
}

/** How images stand together. */
export interface ImageTotals {
  /** Each variant is one. */
  readonly images: number
  readonly open: number
  readonly fixable: number
  /** When the fix came that has waited longest to be published. */
  readonly oldestFix: Moment | null
}

/** Where a list of images goes on. */
export interface ImagePlace {
  readonly image: string
  readonly variant: string
}

/** The columns of the way of a finding, of rows that are grouped by image and finding. */
const WAY = `image, finding, (array_agg(severity order by at desc) filter (where severity is not null))[1] as severity,
  jsonb_object_agg(mark, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) as marks`

type WayRow = Omit<FindingWay, 'severity'> & { readonly severity: PolicySeverity | null }

/** What images are at, for people and programs that ask. */
export class ImageViews {
  readonly #reading: Atomically

  constructor(reading: Atomically) {
    this.#reading = reading
  }

  /** At most `limit` images with their variants behind `after`, by name; with `find`, those whose names have that in them. */
  async list(
    visible: VisibleImages,
    { after, limit, find = '' }: { after: ImagePlace; limit: number; find?: string },
  ): Promise<readonly ImageStanding[]> {
    return await this.#reading(
      async (session) =>
        await session.query<ImageStanding>(
          'list images',
          `with head as (
             select h.image, h.variant, h.release from casemate.image_head h
             where ($1::text[] is null or h.image ~ any ($1)) and ($5 = '' or strpos(h.image, $5) > 0) and (h.image collate "C", h.variant collate "C") > ($2, $3)
             order by h.image collate "C", h.variant collate "C" limit $4
           )
           select h.image, h.variant, r.id as release, r.digest, r.tags, r.released,
             array(select platform from casemate.release_manifest m where m.release = r.id order by platform collate "C") as platforms,
             c.open, c.fixable
           from head h join casemate.release r on r.id = h.release cross join lateral (
             select count(*)::int as open, count(*) filter (where fixed)::int as fixable
             from (select bool_or(mark = 'fix-available') as fixed from casemate.clock_mark where image = h.image
               group by finding having not bool_or(mark = 'published')) finding) c
           order by h.image collate "C", h.variant collate "C"`,
          [patternExpressions(visible), after.image, after.variant, limit, find],
        ),
    )
  }

  /** How all these images stand together. */
  async totals(visible: VisibleImages): Promise<ImageTotals> {
    const rows = await this.#reading(
      async (session) =>
        await session.query<ImageTotals>(
          'count images',
          `with finding as (
             select bool_or(mark = 'published') as closed, min(at) filter (where mark = 'fix-available') as fixed
             from casemate.clock_mark where ($1::text[] is null or image ~ any ($1)) group by image, finding)
           select (select count(*) from casemate.image_head where ($1::text[] is null or image ~ any ($1))) as images,
             count(*) filter (where not closed) as open,
             count(*) filter (where not closed and fixed is not null) as fixable,
             min(fixed) filter (where not closed) as "oldestFix" from finding`,
          [patternExpressions(visible)],
        ),
    )
    return onlyRow(rows, 'count images')
  }

  /** Whether anything is known of an image: a release, a plan, a mark of a finding, or a hold. */
  async isKnown(image: string): Promise<boolean> {
    const [row] = await this.#reading(
      async (session) =>
        await session.query<{ known: boolean }>(
          'look for an image',
          `select exists (select from casemate.image_head where image = $1)
             or exists (select from casemate.plan_image where image = $1)
             or exists (select from casemate.clock_mark where image = $1) as known`,
          [image],
        ),
    )
    return row?.known ?? false
  }

  /** At most `limit` findings of an image behind `after`, by name; of those that no release has closed, unless `all`. */
  async findings(
    image: string,
    { after, limit, all }: { after: string; limit: number; all: boolean },
  ): Promise<readonly FindingWay[]> {
    return await this.#ways(
      `where image = $1 and finding collate "C" > $2 group by image, finding having $4 or not bool_or(mark = 'published')
       order by finding collate "C" limit $3`,
      [image, after, limit, all],
    )
  }

  /** Whether an image has an open finding of this name, or one of the advisory of this name. */
  async hasOpen(image: string, finding: string): Promise<boolean> {
    const found = await this.#ways(
      `where image = $1 and (finding = $2 or starts_with(finding, $2 || ' '))
       group by image, finding having not bool_or(mark = 'published') limit 1`,
      [image, finding],
    )
    return found.length > 0
  }

  /** Findings that are open and have a fix, those that wait longest first. */
  async fixable(visible: VisibleImages, limit: number): Promise<readonly FindingWay[]> {
    return await this.#ways(
      `where ($1::text[] is null or image ~ any ($1)) group by image, finding having bool_or(mark = 'fix-available') and not bool_or(mark = 'published')
       order by min(at) filter (where mark = 'fix-available'), image, finding limit $2`,
      [patternExpressions(visible), limit],
    )
  }

  async #ways(filter: string, values: readonly unknown[]): Promise<readonly FindingWay[]> {
    const rows = await this.#reading(
      async (session) =>
        await session.query<WayRow>('list findings', `select ${WAY} from casemate.clock_mark ${filter}`, values),
    )
    return rows.map((row) => ({ ...row, severity: row.severity ?? undefined }))
  }
}
