import type { FactoryEvent, Held, Moment, Release, StageName, StageRecord } from '#factory'
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
}

/** An image of a run with the last record of each of its stages, in the order of recording. */
export interface RunImage {
  readonly image: string
  readonly stages: readonly {
    readonly stage: StageName
    readonly attempt: number
    readonly state: StageRecord['state']
    readonly at: Moment
    readonly worker: string
    readonly reason: string | null
  }[]
}

/**
 * Events that concern every image, being facts of the archive and of advisories; all others are about the image that is their
 * subject, or are told to nobody who may not see all images.
 */
const COMMON = "kind in ('archive-changed', 'advisory-changed')"

/** Past and present work of the factory, for people and programs that ask. */
export class HistoryViews {
  readonly #atomically: Atomically

  constructor(atomically: Atomically) {
    this.#atomically = atomically
  }

  async events(
    visible: VisibleImages,
    { before, limit, subject }: Backward & { subject?: string },
  ): Promise<readonly FactoryEvent[]> {
    return await this.#atomically(
      async (session) =>
        await session.query<FactoryEvent>(
          'list events',
          `select id, kind, subject, key, payload, seen from casemate.event
           where id < $2 and (${COMMON} or subject ~ any ($1)) and ($4::text is null or subject = $4)
           order by id desc limit $3`,
          [patternExpressions(visible), before, limit, subject ?? null],
        ),
    )
  }

  async releases(
    visible: VisibleImages,
    { before, limit, image, variant }: Backward & { image?: string; variant?: string },
  ): Promise<readonly Release[]> {
    return await this.#atomically(
      async (session) =>
        await selectReleases(
          session,
          `where r.id < $2 and r.image ~ any ($1) and ($4::text is null or r.image = $4)
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
    return await this.#atomically(
      async (session) =>
        await session.query<PlanSummary>(
          'list plans',
          `select p.id, p.made, array(select event from casemate.plan_event where plan = p.id order by event)::int[] as events,
             i.rebuilt, i.held
           from casemate.plan p cross join lateral (
             select count(*) filter (where held is null)::int as rebuilt, count(held)::int as held
             from casemate.plan_image where plan = p.id and image ~ any ($1)) i
           where p.id < $2 and i.rebuilt + i.held > 0 order by p.id desc limit $3`,
          [patternExpressions(visible), before, limit],
        ),
    )
  }

  /** Images of plans that are held at present: of each image, what its latest plan says. */
  async held(visible: VisibleImages, limit: number): Promise<readonly { image: string; plan: number; held: Held }[]> {
    return await this.#atomically(
      async (session) =>
        await session.query<{ image: string; plan: number; held: Held }>(
          'list what is held',
          `select image, plan, held from (
             select distinct on (image) image, plan, held from casemate.plan_image where image ~ any ($1)
             order by image, plan desc) latest
           where held is not null order by plan desc, image limit $2`,
          [patternExpressions(visible), limit],
        ),
    )
  }

  /** Runs that concern an image that one may see. */
  async runs(visible: VisibleImages, { before, limit }: Backward): Promise<readonly RunSummary[]> {
    return await this.#atomically(
      async (session) =>
        await session.query<RunSummary>(
          'list runs',
          `select r.id, r.plan, r.started, s.* from casemate.run r cross join lateral (
             select count(*) filter (where l.state is null)::int as waiting,
               count(*) filter (where l.state = 'started' or (l.state = 'done' and l.stage <> 'publish'))::int as running,
               count(*) filter (where l.state = 'done' and l.stage = 'publish')::int as done,
               count(*) filter (where l.state = 'failed')::int as failed,
               count(*) filter (where l.state = 'cancelled')::int as cancelled,
               count(*)::int as images
             from casemate.plan_image p left join lateral (
               select state, stage from casemate.stage_record where run = r.id and image = p.image order by id desc limit 1) l on true
             where p.plan = r.plan and p.held is null and p.image ~ any ($1)) s
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
  ): Promise<readonly RunImage[]> {
    return await this.#atomically(
      async (session) =>
        await session.query<RunImage>(
          'list the images of a run',
          `select p.image, coalesce((
             select jsonb_agg(jsonb_build_object('stage', stage, 'attempt', attempt, 'state', state, 'worker', worker, 'reason', reason,
               'at', to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) order by id)
             from (select distinct on (stage) * from casemate.stage_record where run = $2 and image = p.image
               order by stage, id desc) last), '[]') as stages
           from casemate.run r join casemate.plan_image p on p.plan = r.plan and p.held is null
           where r.id = $2 and p.image ~ any ($1) and p.image collate "C" > $3 order by p.image collate "C" limit $4`,
          [patternExpressions(visible), run, after, limit],
        ),
    )
  }
}
