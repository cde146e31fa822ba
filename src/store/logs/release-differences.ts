import type { HeldPackage, Release, ReleaseDifference } from '#factory'
import type { Session } from '../database.ts'

/**
 * Sets of packages are compared once, however many images went from the one to the other: a fix in a base that thousands are built on is a handful
 * of comparisons.
 */
const DIFFERENCES = `
  with pair as (
    select r.id, (select max(p.id) from casemate.release p where p.image = r.image and p.variant = r.variant and p.id < r.id) as before
    from casemate.release r where r.id = any ($1)
  ), moved as materialized (
    select pair.id, n.platform, o.contents as old, n.contents as new
    from pair join casemate.release_manifest n on n.release = pair.id
    join casemate.release_manifest o on o.release = pair.before and o.platform = n.platform
  ), sets as materialized (
    select distinct old, new from moved where old <> new
  ), changed as (
    select s.old, s.new, false as come, g.package from sets s cross join lateral (
      select package from casemate.package_set_member where set = s.old
      except select package from casemate.package_set_member where set = s.new) g
    union all
    select s.old, s.new, true, c.package from sets s cross join lateral (
      select package from casemate.package_set_member where set = s.new
      except select package from casemate.package_set_member where set = s.old) c
  ), listed as (
    select c.old, c.new, c.come, json_agg(json_build_object('archive', p.archive, 'name', p.name, 'version', p.version,
      'architecture', p.architecture, 'source', json_build_object('name', p.source, 'version', p.source_version))) as packages
    from changed c join casemate.package_version p on p.id = c.package group by c.old, c.new, c.come
  )
  select pair.id, pair.before, m.platform,
    coalesce((select packages from listed l where l.old = m.old and l.new = m.new and not l.come), '[]') as gone,
    coalesce((select packages from listed l where l.old = m.old and l.new = m.new and l.come), '[]') as come
  from pair left join moved m on m.id = pair.id`

interface DifferenceRow {
  readonly id: number
  readonly before: number | null
  readonly platform: string | null
  readonly gone: readonly HeldPackage[]
  readonly come: readonly HeldPackage[]
}

/** Reads in what releases differ from the ones before them, in the order given; `read` gives releases by their numbers. */
export async function readDifferences(
  session: Session,
  releases: readonly number[],
  read: (ids: readonly number[]) => Promise<readonly Release[]>,
): Promise<readonly ReleaseDifference[]> {
  const rows = await session.query<DifferenceRow>('compare releases', DIFFERENCES, [releases])
  const wanted = new Set(rows.flatMap(({ id, before }) => (before === null ? [id] : [id, before])))
  const known = new Map((await read([...wanted])).map((one) => [one.id, one]))
  const byRelease = Map.groupBy(rows, ({ id }) => id)
  return releases.flatMap((id) => {
    const release = known.get(id)
    const parts = byRelease.get(id) ?? []
    if (release === undefined) return []
    const before = known.get(parts[0]?.before ?? 0)
    const manifests = new Map(
      parts.flatMap(({ platform, gone, come }) => (platform === null ? [] : [[platform, { gone, come }] as const])),
    )
    return [{ release, before, manifests }]
  })
}
