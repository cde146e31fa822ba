import {
  COMMON_EVENTS,
  type FactoryEvent,
  type Held,
  type ImageEnd,
  type Moment,
  type Release,
  type StageName,
  type StageRecord,
} from '#factory'
import { selectReleases } from '../logs/releases.ts'
import type { Atomically } from '../session.ts'
import { patternExpressions, type VisibleImages } from './visible.ts'

/** A part of a list that has the newest first: what has a smaller number than `before`. */
export interface Backward {
  readonly before: number
  readonly limit: number
}

/** A plan as lists show it: how many images that one may see it concerns. */
export interface PlanSummary {
  readonly id: number
  readonly made: Moment
  readonly events: readonly number[]
  readonly rebuilt: number
  readonly held: number
}

/** A run as lists show it: how far the images that one may see have come. */
export interface RunSummary {
  readonly id: number
  readonly plan: number
  readonly started: Moment
  readonly waiting: number
  readonly running: number
  readonly done: number
  readonly failed: number
  readonly cancelled: number
  /** When nothing of it was open any more; null while something is. */
  readonly ended: Moment | null
  /** Who asked that it is given up, and why. */
  readonly cancelledBy: { readonly by: string; readonly reason: string } | null
}

/** An image of a run with how it ended, if it has, and the last record of each of its stages, in the order of recording. */
export interface RunImageStages {
  readonly image: string
  readonly end: Pick<ImageEnd, 'state' | 'reason'> | null
  readonly stages: readonly {
    readonly stage: StageName
    readonly attempt: number
    readonly state: StageRecord['state']
    readonly at: Moment
    readonly worker: string
    readonly reason: string | null
  }[]
}

/** Past and present work of the factory, for people and programs that ask. */
export class HistoryViews {
  readonly #reading: Atomically

  constructor(reading: Atomically) {
    this.#reading = reading
  }

  async events(
    visible: VisibleImages,
    { before, limit, subject }: Backward & { subject?: string },
  ): Promise<readonly FactoryEvent[]> {
    return await this.#reading(
      async (session) =>
        await session.query<FactoryEvent>(
          'list events',
          `select id, kind, subject, key, payload, seen from casemate.event
           where id < $2 and (kind = any ($5) or $1::text[] is null or subject ~ any ($1)) and ($4::text is null or subject = $4)
           order by id desc limit $3`,
          [patternExpressions(visible), before, limit, subject ?? null, COMMON_EVENTS],
        ),
    )
  }

  async releases(
    visible: VisibleImages,
    { before, limit, image, variant }: Backward & { image?: string; variant?: string },
  ): Promise<readonly Release[]> {
    return await this.#reading(
      async (session) =>
        await selectReleases(
          session,
          `where r.id < $2 and ($1::text[] is null or r.image ~ any ($1)) and ($4::text is null or r.image = $4)
             and ($5::text is null or r.variant = $5) order by r.id desc limit $3`,
          [patternExpressions(visible), before, limit, image ?? null, variant ?? null],
        ),
    )
  }

  /** A release by its number; `undefined` when there is none of an image that one may see. */
  async release(visible: VisibleImages, id: number): Promise<Release | undefined> {
    const [release] = await this.releases(visible, { before: id + 1, limit: 1 })
    return release?.id === id ? release : undefined
  }

  /** Plans that concern an image that one may see. */
  async plans(visible: VisibleImages, { before, limit }: Backward): Promise<readonly PlanSummary[]> {
    return await this.#reading(
      async (session) =>
        await session.query<PlanSummary>(
          'list plans',
          `select p.id, p.made, array(select event from casemate.plan_event where plan = p.id order by event)::int[] as events,
             i.rebuilt, i.held
           from casemate.plan p cross join lateral (
             select count(*) filter (where held is null)::int as rebuilt, count(held)::int as held
             from casemate.plan_image where plan = p.id and ($1::text[] is null or image ~ any ($1))) i
           where p.id < $2 and i.rebuilt + i.held > 0 order by p.id desc limit $3`,
          [patternExpressions(visible), before, limit],
        ),
    )
  }

  /** Images of plans that are held at present: of each image, what its latest plan says. */
  async held(visible: VisibleImages, limit: number): Promise<readonly { image: string; plan: number; held: Held }[]> {
    return await this.#reading(
      async (session) =>
        await session.query<{ image: string; plan: number; held: Held }>(
          'list what is held',
          `select image, plan, held from (
             select distinct on (image) image, plan, held from casemate.plan_image where ($1::text[] is null or image ~ any ($1))
             order by image, plan desc) latest
           where held is not null order by plan desc, image limit $2`,
          [patternExpressions(visible), limit],
        ),
    )
  }

  /** Runs that concern an image that one may see. */
  async runs(visible: VisibleImages, { before, limit }: Backward): Promise<readonly RunSummary[]> {
    return await this.#reading(
      async (session) =>
        await session.query<RunSummary>(
          'list runs',
          `select r.id, r.plan, r.started, s.*, (select at from casemate.run_end e where e.run = r.id) as ended,
             (select json_build_object('by', c.cancelled_by, 'reason', c.reason) from casemate.run_cancel c where c.run = r.id)
               as "cancelledBy"
           from casemate.run r cross join lateral (
             select count(*) filter (where e.state is null and not b.begun)::int as waiting,
               count(*) filter (where e.state is null and b.begun)::int as running,
               count(*) filter (where e.state = 'done')::int as done,
               count(*) filter (where e.state = 'failed')::int as failed,
               count(*) filter (where e.state = 'cancelled')::int as cancelled,
               count(*)::int as images
             from casemate.plan_image p left join casemate.run_image_end e on e.run = r.id and e.image = p.image
             cross join lateral (
               select exists (select from casemate.stage_record where run = r.id and image = p.image) as begun) b
             where p.plan = r.plan and p.held is null and ($1::text[] is null or p.image ~ any ($1))) s
           where r.id < $2 and s.images > 0 order by r.id desc limit $3`,
          [patternExpressions(visible), before, limit],
        ),
    )
  }

  async run(visible: VisibleImages, id: number): Promise<RunSummary | undefined> {
    const [run] = await this.runs(visible, { before: id + 1, limit: 1 })
    return run?.id === id ? run : undefined
  }

  /** At most `limit` images of a run behind `after`, by name. */
  async runImages(
    visible: VisibleImages,
    run: number,
    { after, limit }: { after: string; limit: number },
  ): Promise<readonly RunImageStages[]> {
    return await this.#reading(
      async (session) =>
        await session.query<RunImageStages>(
          'list the images of a run',
          `select p.image, (select json_build_object('state', e.state, 'reason', e.reason)
             from casemate.run_image_end e where e.run = r.id and e.image = p.image) as end, coalesce((
             select jsonb_agg(jsonb_build_object('stage', stage, 'attempt', attempt, 'state', state, 'worker', worker, 'reason', reason,
               'at', to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) order by id)
             from (select distinct on (stage) * from casemate.stage_record where run = $2 and image = p.image
               order by stage, id desc) last), '[]') as stages
           from casemate.run r join casemate.plan_image p on p.plan = r.plan and p.held is null
           where r.id = $2 and ($1::text[] is null or p.image ~ any ($1)) and p.image collate "C" > $3 order by p.image collate "C" limit $4`,
          [patternExpressions(visible), run, after, limit],
        ),
    )
  }
}
