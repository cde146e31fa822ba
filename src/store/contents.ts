import type { Digest } from '#core'
import { versionSortKey } from '#debian'
import { contentsDigest, type HeldPackage, packageKey, type ReleasedManifest } from '#factory'
import type { Session } from './database.ts'
import { StoreError } from './errors.ts'

/** A set that is not stored yet: all of `base`, if there is one, without some packages and with some more. */
interface NewSet {
  readonly digest: Digest
  readonly base: number | undefined
  readonly with: readonly number[]
  readonly without: readonly number[]
}

/** A set that others may be stored as differences from. */
interface Base {
  readonly id: number
  readonly packages: ReadonlySet<number>
}

/**
 * Stores what manifests hold; gives the number of each one's set of packages, in the order given. A set that is known is not
 * stored again; one that is built on another is stored as the difference from it, or from that one's own base, so that a
 * question never follows more than one step. Rejects with `RECORD_REFUSED` for a base that is nowhere.
 */
export async function recordContents(
  session: Session,
  manifests: readonly ReleasedManifest[],
): Promise<readonly number[]> {
  const digests = manifests.map(({ packages }) => contentsDigest(packages))
  const sets = await knownSets(session, digests)
  const missing = new Map<Digest, ReleasedManifest>()
  for (const [at, digest] of digests.entries()) {
    const manifest = manifests[at]
    if (manifest !== undefined && !sets.has(digest)) missing.set(digest, manifest)
  }
  const packages = await recordPackages(
    session,
    [...missing.values()].flatMap((manifest) => manifest.packages),
  )
  const bases = new Map<Digest, Base>()
  while (missing.size > 0) {
    // What others of the same call are built on comes before them.
    const ready = [...missing].filter(
      ([digest, { base }]) => base === undefined || base === digest || !missing.has(base),
    )
    const fresh: NewSet[] = []
    for (const [digest, manifest] of ready) {
      const base = manifest.base === digest ? undefined : await baseOf(session, manifest.base, bases)
      const ids = manifest.packages.map((one) => numberOf(packages, packageKey(one)))
      fresh.push(difference(digest, ids, base))
      missing.delete(digest)
    }
    if (ready.length === 0)
      throw new StoreError('RECORD_REFUSED', 'cannot record what images hold: they are built on each other')
    for (const [digest, id] of await recordSets(session, fresh)) sets.set(digest, id)
  }
  return digests.map((digest) => numberOf(sets, digest))
}

function numberOf<Key extends string>(numbers: ReadonlyMap<Key, number>, key: Key): number {
  const number = numbers.get(key)
  if (number === undefined)
    throw new StoreError('RECORD_INVALID', `cannot find what was recorded as ${JSON.stringify(key)}`)
  return number
}

function difference(digest: Digest, packages: readonly number[], base: Base | undefined): NewSet {
  if (base === undefined) return { digest, base: undefined, with: packages, without: [] }
  const own = new Set(packages)
  return {
    digest,
    base: base.id,
    with: packages.filter((id) => !base.packages.has(id)),
    without: [...base.packages].filter((id) => !own.has(id)),
  }
}

async function baseOf(
  session: Session,
  digest: Digest | undefined,
  found: Map<Digest, Base>,
): Promise<Base | undefined> {
  if (digest === undefined) return undefined
  const known = found.get(digest)
  if (known !== undefined) return known
  const [row] = await session.query<{ id: number; packages: number[] }>(
    'read a base',
    `select coalesce(base, id) as id, array(select package from casemate.package_set_with where set = coalesce(s.base, s.id)) as packages
     from casemate.package_set s where digest = $1`,
    [digest],
  )
  if (row === undefined) {
    throw new StoreError(
      'RECORD_REFUSED',
      `cannot record what an image holds: nothing is known that holds ${digest}, which it is built on`,
    )
  }
  const base = { id: row.id, packages: new Set(row.packages) }
  found.set(digest, base)
  return base
}

async function knownSets(session: Session, digests: readonly Digest[]): Promise<Map<Digest, number>> {
  const rows = await session.query<{ digest: Digest; id: number }>(
    'look for sets of packages',
    'select digest, id from casemate.package_set where digest = any ($1)',
    [digests],
  )
  return new Map(rows.map(({ digest, id }) => [digest, id]))
}

/** Gives the number of each package by its `packageKey`. */
async function recordPackages(session: Session, packages: readonly HeldPackage[]): Promise<Map<string, number>> {
  const different = [...new Map(packages.map((one) => [packageKey(one), one]))]
  // In one order everywhere, so that two who record the same packages wait for each other and never across.
  const all = different.sort(([left], [right]) => (left < right ? -1 : 1)).map(([, one]) => one)
  const columns = [
    all.map(({ archive }) => archive),
    all.map(({ name }) => name),
    all.map(({ version }) => version),
    all.map(({ architecture }) => architecture),
    all.map(({ source }) => source.name),
    all.map(({ source }) => source.version),
  ]
  const keys = all.map(({ source }) => Buffer.from(versionSortKey(source.version)))
  await session.query(
    'record packages',
    `insert into casemate.package_version (archive, name, version, architecture, source, source_version, source_key)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[])
     on conflict do nothing`,
    [...columns, keys],
  )
  const rows = await session.query<
    Omit<HeldPackage, 'source'> & { id: number; source: string; source_version: string }
  >(
    'read packages',
    `select id, archive, name, version, architecture, source, source_version
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
       as w (archive, name, version, architecture, source, source_version)
     join casemate.package_version using (archive, name, version, architecture, source, source_version)`,
    columns,
  )
  return new Map(
    rows.map(({ id, source, source_version: version, ...row }) => [
      packageKey({ ...row, source: { name: source, version } }),
      id,
    ]),
  )
}

/** Stores sets that are not there; gives the numbers of all of them. */
async function recordSets(session: Session, sets: readonly NewSet[]): Promise<ReadonlyMap<Digest, number>> {
  const sorted = [...sets].sort((left, right) => (left.digest < right.digest ? -1 : 1))
  const added = await session.query<{ digest: Digest; id: number }>(
    'record sets of packages',
    `insert into casemate.package_set (digest, base) select * from unnest($1::text[], $2::int[])
     on conflict (digest) do nothing returning digest, id`,
    [sorted.map(({ digest }) => digest), sorted.map(({ base }) => base ?? null)],
  )
  const ids = new Map(added.map(({ digest, id }) => [digest, id]))
  for (const part of ['with', 'without'] as const) {
    // Of a set that another transaction stored meanwhile, the members are there too.
    const rows = sorted.flatMap((set) => {
      const id = ids.get(set.digest)
      return id === undefined ? [] : set[part].map((member) => [id, member] as const)
    })
    await session.query(
      'record what sets of packages hold',
      `insert into casemate.package_set_${part} (set, package) select * from unnest($1::int[], $2::int[])`,
      [rows.map(([set]) => set), rows.map(([, member]) => member)],
    )
  }
  return ids.size === sets.length
    ? ids
    : await knownSets(
        session,
        sets.map(({ digest }) => digest),
      )
}
