import type { Digest } from '#core'
import { versionSortKey } from '#debian'
import type {
  AffectedImage,
  AffectedQuestion,
  HeldPackage,
  NewRelease,
  Release,
  ReleaseDifference,
  ReleasedDigest,
  ReleaseLog,
} from '#factory'
import { recordContents } from '../contents.ts'
import type { Session } from '../database.ts'
import { type Atomically, jsonText, onlyRow } from '../session.ts'
import { readDifferences } from './release-differences.ts'

/** Every release whose heads and manifests are asked for, `filter` being what stands behind `where`. */
const SELECT = `
  select r.id, r.image, r.variant, r.digest, r.lock, r.tags, r.evidence, r.released, r.run, r.restores,
    (select jsonb_agg(jsonb_build_object('platform', m.platform, 'digest', m.digest, 'contents', s.digest) order by m.platform)
     from casemate.release_manifest m join casemate.package_set s on s.id = m.contents where m.release = r.id) as manifests
  from casemate.release r`

/**
 * Images in groups that hold the same. Thousands of overlays share some dozens of bases, so what a base holds is worked out
 * once, and set by set only those that differ from their base in one of the packages in question.
 */
const AFFECTED = `
  with old as materialized (
    select id, name || ' ' || version as package from casemate.package_version
    where archive = $1 and source = $2 and source_key < $3
  ), hit as materialized (
    select w.set, s.base, o.id, o.package
    from old o join casemate.package_set_with w on w.package = o.id join casemate.package_set s on s.id = w.set
  ), special as materialized (
    select set, base from hit where base is not null
    union
    select w.set, s.base
    from old o join casemate.package_set_without w on w.package = o.id join casemate.package_set s on s.id = w.set
  ), exact as (
    select set, array_agg(package order by package collate "C") as packages
    from (
      select set, package from hit where base is not null
      union all
      select p.set, h.package from special p join hit h on h.set = p.base
      where not exists (select from casemate.package_set_without w where w.package = h.id and w.set = p.set)
    ) parts group by set
  ), root as (
    select set, array_agg(package order by package collate "C") as packages from hit where base is null group by set
  )
  select g.variant, g.platform, r.packages, g.images from root r cross join lateral (
    select m.variant, m.platform, json_agg(m.image) as images from casemate.head_manifest m
    where m.root = r.set and m.contents not in (select set from special) group by m.variant, m.platform) g
  union all
  select m.variant, m.platform, e.packages, json_agg(m.image) from exact e join casemate.head_manifest m on m.contents = e.set
  group by m.variant, m.platform, e.packages`

type ReleaseRow = Omit<Release, 'run' | 'restores'> & { readonly run: number | null; readonly restores: number | null }

/** The releases in PostgreSQL. */
export class StoredReleases implements ReleaseLog {
  readonly #atomically: Atomically
  readonly #reading: Atomically

  /** `reading` is for what one statement answers, which needs no transaction of its own. */
  constructor(atomically: Atomically, reading: Atomically) {
    this.#atomically = atomically
    this.#reading = reading
  }

  async record(releases: readonly NewRelease[]): Promise<readonly number[]> {
    if (releases.length === 0) return []
    return await this.#atomically(async (session) => {
      const manifests = releases.flatMap((release) => release.manifests)
      const contents = await recordContents(session, manifests)
      const rows = await session.query<{ id: number }>(
        'record releases',
        `insert into casemate.release (image, variant, digest, lock, tags, run, restores, evidence, released)
         select image, variant, digest, lock, array(select jsonb_array_elements_text(tags)), run, restores, evidence, released
         from rows from (jsonb_to_recordset($1::jsonb) as (image text, variant text, digest text, lock text, tags jsonb, run bigint,
           restores bigint, evidence jsonb, released timestamptz)) with ordinality
           as r (image, variant, digest, lock, tags, run, restores, evidence, released, position)
         order by position returning id`,
        [jsonText(releases.map(({ manifests: _, ...release }) => release))],
      )
      const ids = rows.map(({ id }) => id).sort((left, right) => left - right)
      await session.query(
        'record the manifests of releases',
        `insert into casemate.release_manifest (release, platform, digest, contents)
         select * from unnest($1::bigint[], $2::text[], $3::text[], $4::int[])`,
        [
          releases.flatMap((release, at) => release.manifests.map(() => ids[at])),
          manifests.map(({ platform }) => platform),
          manifests.map(({ digest }) => digest),
          contents,
        ],
      )
      return ids
    })
  }

  async latest(image: string, variant: string): Promise<Release | undefined> {
    const [release] = await this.#select(
      'where r.id = (select release from casemate.image_head where image = $1 and variant = $2)',
      [image, variant],
    )
    return release
  }

  async history(image: string, variant: string, limit: number): Promise<readonly Release[]> {
    return await this.#select('where r.image = $1 and r.variant = $2 order by r.id desc limit $3', [
      image,
      variant,
      limit,
    ])
  }

  async ofDigests(digests: readonly Digest[]): Promise<readonly ReleasedDigest[]> {
    return await this.#reading((session) =>
      session.query<ReleasedDigest>(
        'find what digests were released as',
        `select digest, image, variant, min(released) as released from (
           select digest, image, variant, released from casemate.release where digest = any ($1)
           union all
           select m.digest, r.image, r.variant, r.released
           from casemate.release_manifest m join casemate.release r on r.id = m.release where m.digest = any ($1)
         ) found group by digest, image, variant order by digest, image, variant`,
        [digests],
      ),
    )
  }

  async differences(releases: readonly number[]): Promise<readonly ReleaseDifference[]> {
    if (releases.length === 0) return []
    return await this.#atomically((session) =>
      readDifferences(session, releases, (ids) => selectReleases(session, 'where r.id = any ($1)', [ids])),
    )
  }

  async packages(contents: Digest): Promise<readonly HeldPackage[] | undefined> {
    return await this.#reading(async (session) => {
      const rows = await session.query<HeldPackage & { readonly name: string | null }>(
        'read what an image holds',
        `select p.archive, p.name, p.version, p.architecture, json_build_object('name', p.source, 'version', p.source_version) as source
         from casemate.package_set s left join casemate.package_set_member m on m.set = s.id
         left join casemate.package_version p on p.id = m.package
         where s.digest = $1 order by p.name collate "C", p.architecture collate "C", p.version collate "C"`,
        [contents],
      )
      // A set that is known and empty has one row without a package.
      return rows.length === 0 ? undefined : rows.filter(({ name }) => name !== null)
    })
  }

  async variants(image: string): Promise<readonly string[]> {
    const rows = await this.#reading(
      async (session) =>
        await session.query<{ variant: string }>(
          'read the variants of an image',
          'select variant from casemate.image_head where image = $1 order by variant collate "C"',
          [image],
        ),
    )
    return rows.map(({ variant }) => variant)
  }

  async restore(
    release: number,
    { tags, at }: { readonly tags: readonly string[]; readonly at: string },
  ): Promise<number> {
    return await this.#atomically(async (session) => {
      const rows = await session.query<{ id: number }>(
        'record that a release has its tags again',
        `insert into casemate.release (image, variant, digest, lock, tags, restores, evidence, released)
         select image, variant, digest, lock, $2::text[], id, evidence, $3 from casemate.release where id = $1 returning id`,
        [release, tags, at],
      )
      const { id } = onlyRow(rows, `restore release ${release}`)
      await session.query(
        'record the manifests of a restored release',
        `insert into casemate.release_manifest (release, platform, digest, contents)
         select $2, platform, digest, contents from casemate.release_manifest where release = $1`,
        [release, id],
      )
      return id
    })
  }

  async affected({ archive, source, below }: AffectedQuestion): Promise<readonly AffectedImage[]> {
    const groups = await this.#reading(
      async (session) =>
        await session.query<Omit<AffectedImage, 'image'> & { readonly images: readonly string[] }>(
          'ask which images are affected',
          AFFECTED,
          [archive, source, Buffer.from(versionSortKey(below))],
        ),
    )
    return groups.flatMap(({ images, variant, platform, packages }) =>
      images.map((image) => ({ image, variant, platform, packages })),
    )
  }

  async #select(filter: string, values: readonly unknown[]): Promise<Release[]> {
    return await this.#reading((session) => selectReleases(session, filter, values))
  }
}

/** Releases, `r` in `filter`, which is what stands behind `from`. */
export async function selectReleases(session: Session, filter: string, values: readonly unknown[]): Promise<Release[]> {
  const rows = await session.query<ReleaseRow>('read releases', `${SELECT} ${filter}`, values)
  return rows.map(({ run, restores, ...release }) => ({
    ...release,
    ...(run === null ? {} : { run }),
    ...(restores === null ? {} : { restores }),
  }))
}
