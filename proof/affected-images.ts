import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestOf } from '#core'
import { compareVersions } from '#debian'
import { type AffectedQuestion, contentsDigest, type HeldPackage, type NewRelease } from '#factory'
import { type OpenStore, openStore, startPostgres } from '#store'

const BASES = 20
const SHARED = 18
const OWN = 12
const OVERLAYS = 10_000
const PLATFORMS = ['amd64', 'arm64'] as const
/** Releases of each image: the question is about the last one, the others are history that must not slow it down. */
const RELEASES = 3
const ROUNDS = 30
const LIMIT = 20
const BATCH = 500

/** A package by its number; its source makes two packages, and has another version after each fix. */
function held(number: number, architecture: string, fixes = 0): HeldPackage {
  const source = { name: `source-${Math.floor(number / 2)}`, version: `1.${number % 7}-${fixes + 1}+deb13u1` }
  return { archive: 'debian-13', name: `package-${number}`, version: source.version, architecture, source }
}

function basePackages(base: number, architecture: string, fixes: number): HeldPackage[] {
  const own = Array.from({ length: OWN }, (_, at) => SHARED + base * OWN + at)
  // The last release of an image has all fixes but those of source-0, which everybody has, and of what overlays add.
  return [...Array(SHARED).keys(), ...own].map((number) => held(number, architecture, number < 2 ? 0 : fixes))
}

/** What an overlay adds: one of 100 packages, so each is in 1 % of the images. */
const extra = (overlay: number) => 10_000 + 2 * (Math.floor(overlay / BASES) % 100)
/** And one that is in no other image, so that no two overlays hold the same. */
const ownPackage = (overlay: number) => 20_000 + 2 * overlay

function releaseOf(
  image: string,
  base: number,
  { overlay, fixes }: { overlay: number | undefined; fixes: number },
): NewRelease {
  const manifests = PLATFORMS.map((architecture) => {
    const below = basePackages(base, architecture, fixes)
    const packages =
      overlay === undefined
        ? below
        : [...below, held(extra(overlay), architecture), held(ownPackage(overlay), architecture)]
    const on = overlay === undefined ? {} : { base: contentsDigest(below) }
    return { platform: `linux/${architecture}`, digest: digestOf(`${image} ${architecture} ${fixes}`), packages, ...on }
  })
  const digest = digestOf(`${image} ${fixes}`)
  return {
    image,
    variant: 'runtime',
    digest,
    lock: digest,
    tags: ['latest'],
    manifests,
    evidence: {},
    released: new Date().toISOString(),
  }
}

function* releases(fixes: number): Generator<NewRelease> {
  for (let base = 0; base < BASES; base++) yield releaseOf(`base-${base}`, base, { overlay: undefined, fixes })
  for (let overlay = 0; overlay < OVERLAYS; overlay++)
    yield releaseOf(`overlay-${overlay}`, overlay % BASES, { overlay, fixes })
}

/** The same question, answered by looking at every image. */
function answer({ source, below }: AffectedQuestion): Set<string> {
  const found = new Set<string>()
  for (const { image, manifests } of releases(RELEASES - 1)) {
    for (const { platform, packages } of manifests) {
      const old = packages.filter((one) => one.source.name === source && compareVersions(one.source.version, below) < 0)
      if (old.length > 0)
        found.add(`${image} ${platform} ${old.map(({ name, version }) => `${name} ${version}`).sort()}`)
    }
  }
  return found
}

const questions: readonly (AffectedQuestion & { readonly title: string })[] = [
  { title: 'in every image', archive: 'debian-13', source: 'source-0', below: '1.9-1' },
  { title: 'in one base and what is on it', archive: 'debian-13', source: `source-${SHARED / 2}`, below: '1.9-1' },
  { title: 'in 1 % of the images', archive: 'debian-13', source: `source-${extra(140) / 2}`, below: '1.9-1' },
  { title: 'fixed everywhere', archive: 'debian-13', source: 'source-3', below: `1.0-${RELEASES}` },
]

/**
 * Asks which of 10,000 overlays on 20 bases, two platforms each, a fix concerns, after three releases of each. Holds when each answer is
 * what looking at every image gives, and takes at most 20 ms of processor time, ours and the server's together: what it takes
 * by the clock, where nothing else runs.
 */
export async function run([user = 'postgres']: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'cm-db-'))
  const postgres = await startPostgres({ folder, user })
  const store = await openStore(postgres.address, { connections: 1 })
  try {
    const start = performance.now()
    for (let fixes = 0; fixes < RELEASES; fixes++) await record(store, fixes)
    const recorded = performance.now() - start
    await store.database.query('analyze', 'vacuum analyze')
    const rows: string[] = []
    let holds = true
    for (const question of questions) {
      const { milliseconds, least, processor, images, right } = await ask(store, question)
      holds &&= right && processor <= LIMIT
      const times = `median of ${ROUNDS} ${milliseconds.toFixed(1)} ms, least ${least.toFixed(1)} ms, processor ${processor.toFixed(1)} ms`
      rows.push(`${question.title}: ${images} answers, ${right ? 'right' : 'WRONG'}, ${times}`)
    }
    return {
      holds,
      lines: [
        `PostgreSQL ${postgres.version}`,
        ...(await sizes(store)),
        `recorded in ${(recorded / 1000).toFixed(1)} s; load ${loadavg()[0]?.toFixed(0)} on ${cpus().length} processors`,
        ...rows,
      ],
    }
  } finally {
    await store.close()
    await postgres.stop()
    await rm(folder, { recursive: true })
  }
}

async function record(store: OpenStore, fixes: number): Promise<void> {
  const all = [...releases(fixes)]
  for (let at = 0; at < all.length; at += BATCH) await store.releases.record(all.slice(at, at + BATCH))
}

async function ask(store: OpenStore, question: AffectedQuestion) {
  const times: number[] = []
  let found = await store.releases.affected(question)
  const before = await processorTime(store)
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    found = await store.releases.affected(question)
    times.push(performance.now() - start)
  }
  const processor = ((await processorTime(store)) - before) / ROUNDS
  const wanted = answer(question)
  const got = new Set(found.map(({ image, platform, packages }) => `${image} ${platform} ${packages}`))
  const right = got.size === found.length && got.symmetricDifference(wanted).size === 0
  times.sort((left, right) => left - right)
  return { milliseconds: times[ROUNDS / 2] ?? 0, least: times[0] ?? 0, processor, images: found.length, right }
}

/** Milliseconds of processor time that we and the server's process for our only connection have had. */
async function processorTime({ database }: OpenStore): Promise<number> {
  const [row] = await database.query<{ pid: number }>('ask who answers', 'select pg_backend_pid() as pid')
  const server = Number.parseInt(await readFile(`/proc/${row?.pid}/schedstat`, 'utf8'), 10) / 1e6
  const { user, system } = process.cpuUsage()
  return server + (user + system) / 1000
}

async function sizes({ database }: OpenStore): Promise<string[]> {
  const [row] = await database.query<{ manifests: number; sets: number; members: number; bytes: string }>(
    'count',
    `select (select count(*) from casemate.release_manifest) as manifests, (select count(*) from casemate.package_set) as sets,
      (select count(*) from casemate.package_set_with) + (select count(*) from casemate.package_set_without) as members,
      pg_size_pretty(pg_database_size(current_database())) as bytes`,
  )
  return [`${row?.manifests} manifests, ${row?.sets} sets of packages in ${row?.members} rows, database ${row?.bytes}`]
}
