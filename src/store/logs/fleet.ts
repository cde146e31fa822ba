import type { Digest } from '#core'
import type { FailedImage, FleetLog, GivenApproval, HeldPackage, Reason, ReleasedHead, WaitingImage } from '#factory'
import { type Atomically, onlyRow } from '../session.ts'

/** Sets of packages at a time: what is in memory on its way. */
const BATCH = 500

/** What plans are made of, in PostgreSQL. */
export class StoredFleet implements FleetLog {
  readonly #atomically: Atomically

  constructor(atomically: Atomically) {
    this.#atomically = atomically
  }

  async heads(): Promise<readonly ReleasedHead[]> {
    return await this.#atomically(
      async (session) =>
        await session.query<ReleasedHead>(
          'read what images are at present',
          `select h.image, h.variant, m.platform, s.digest as contents, r.released
           from casemate.image_head h
           join casemate.release r on r.id = h.release
           join casemate.head_manifest m on m.image = h.image and m.variant = h.variant
           join casemate.package_set s on s.id = m.contents
           order by h.image, h.variant, m.platform`,
        ),
    )
  }

  async contents(digests: readonly Digest[]): Promise<ReadonlyMap<Digest, readonly HeldPackage[]>> {
    const wanted = [...new Set(digests)].sort()
    const found = new Map<Digest, HeldPackage[]>()
    for (let at = 0; at < wanted.length; at += BATCH) {
      const rows = await this.#atomically(
        async (session) =>
          await session.query<Omit<HeldPackage, 'source'> & { set: Digest; source: string; source_version: string }>(
            'read what images hold',
            `select s.digest as set, p.archive, p.name, p.version, p.architecture, p.source, p.source_version
             from casemate.package_set s
             join casemate.package_set_member m on m.set = s.id
             join casemate.package_version p on p.id = m.package
             where s.digest = any ($1)`,
            [wanted.slice(at, at + BATCH)],
          ),
      )
      for (const { set, source, source_version: version, ...one } of rows) {
        const packages = found.get(set) ?? []
        packages.push({ ...one, source: { name: source, version } })
        found.set(set, packages)
      }
    }
    return found
  }

  async waiting(images: readonly string[]): Promise<ReadonlyMap<string, WaitingImage>> {
    const rows = await this.#atomically(
      async (session) =>
        await session.query<WaitingImage & { image: string }>(
          'read what plans hold',
          `select p.image, p.reasons, p.held from unnest($1::text[]) as n (image) cross join lateral (
             select image, reasons, held from casemate.plan_image where image = n.image order by plan desc limit 1) p
           where p.held is not null`,
          [images],
        ),
    )
    return new Map(rows.map(({ image, ...waiting }) => [image, waiting]))
  }

  async underway(): Promise<ReadonlyMap<string, readonly Reason[]>> {
    const rows = await this.#atomically(
      async (session) =>
        await session.query<{ image: string; reasons: Reason[] }>(
          'read what runs are at work on',
          `select p.image, p.reasons from casemate.open_run r join casemate.plan_image p on p.plan = r.plan
           where p.held is null
             and not exists (select from casemate.run_image_end e where e.run = r.id and e.image = p.image)
           order by r.id`,
        ),
    )
    return new Map(
      [...Map.groupBy(rows, ({ image }) => image)].map(([image, own]) => [
        image,
        own.flatMap(({ reasons }) => reasons),
      ]),
    )
  }

  async failed(): Promise<ReadonlyMap<string, FailedImage>> {
    const rows = await this.#atomically(
      async (session) =>
        await session.query<FailedImage & { image: string }>(
          'read which images failed',
          `select f.image, f.run, f.reason, f.at, p.reasons,
             (select count(*)::int from casemate.run_image_end n where n.image = f.image and n.state = 'failed' and n.run >
               coalesce((select max(o.run) from casemate.run_image_end o where o.image = f.image and o.state <> 'failed'), 0)) as failures
           from (select distinct on (image) image, run, reason, at from casemate.run_image_end
             where state = 'failed' order by image, run desc) f
           join casemate.run r on r.id = f.run
           join casemate.plan_image p on p.plan = r.plan and p.image = f.image
           where not exists (select from casemate.run_image_end e where e.image = f.image and e.run > f.run)
           order by f.image`,
        ),
    )
    return new Map(rows.map(({ image, ...failed }) => [image, failed]))
  }

  async approvals(images: readonly string[]): Promise<ReadonlyMap<string, GivenApproval>> {
    const rows = await this.#atomically(
      async (session) =>
        await session.query<GivenApproval & { image: string }>(
          'read the last approvals',
          `select a.image, a.approved, a.reason, a.by, a.reasons from unnest($1::text[]) as n (image) cross join lateral (
             select a.image, a.approved, a.reason, a.given_by as by, p.reasons
             from casemate.approval a join casemate.plan_image p on p.plan = a.plan and p.image = a.image
             where a.image = n.image order by a.id desc limit 1) a`,
          [images],
        ),
    )
    return new Map(rows.map(({ image, ...approval }) => [image, approval]))
  }

  async decided(): Promise<string> {
    const rows = await this.#atomically(
      async (session) =>
        await session.query<{ decided: string }>(
          'ask whether somebody decided',
          `select concat_ws(' ', (select count(*) from casemate.hold), (select count(*) from casemate.hold_end),
             (select count(*) from casemate.approval),
             (select count(*) from casemate.run_image_end where state = 'failed')) as decided`,
        ),
    )
    return onlyRow(rows, 'ask whether somebody decided').decided
  }
}
