/**
 * What it takes to rebuild a fleet because of one fix, with the factory as it is: bases of 25 to 35 packages, overlays of base, one
 * package and one file, by the engine's own stages, with PostgreSQL, a registry process and advisories:
 * `node --conditions=source bench/fleet.ts [--bases N] [--overlays N] [--platforms linux/amd64,linux/arm64] [--workers N] [--peers N]`.
 * Without workers the engine runs in this process. The advisories are those that are imported here. Beside it some images are made by
 * mmdebstrap and umoci. As root, CASEMATE_POSTGRES_USER is the user that PostgreSQL runs as.
 */
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import type { Plan, PlannedImage } from '#factory'
import { COMMON, extraPackage, type FleetShape, fleetDeb } from './parts/fleet-archive.ts'
import { FleetFactory, type ImageBytes, type PeerCost, type RunCost } from './parts/fleet-factory.ts'

/** What is measured. */
export interface FleetOptions extends FleetShape {
  /** Processes; 0 for the engine in this one. */
  readonly workers: number
  /** Images that others make. */
  readonly peers: number
}

/** What a fleet took. */
export interface FleetTimings {
  readonly options: FleetOptions
  readonly first: RunCost
  readonly common: RunCost
  readonly rare: RunCost
  readonly bytes: ImageBytes
  /** Milliseconds of the question whom a fix concerns, the least of some, and how many manifests it names. */
  readonly affected: { readonly milliseconds: number; readonly manifests: number }
  readonly peer: PeerCost
}

/** What a fleet of 10,000 overlays on two platforms is to keep: milliseconds and bytes. */
export const FLEET_LIMITS = { common: 270_000, rare: 4000, affected: 20, own: 15_360, evidence: 350_000 } as const

const QUESTIONS = 20

/** Makes a fleet, and rebuilds it because of a fix that all images have and one that 1 % have. */
export async function measureFleet(options: FleetOptions): Promise<FleetTimings> {
  const factory = await FleetFactory.open(options, process.env['CASEMATE_POSTGRES_USER'])
  try {
    const { bases, platforms, workers } = options
    const all = everyImage(options)
    const first = await factory.perform(await planOf(factory, 'first', { images: all, changes: [] }), workers)
    await factory.archive.publish(...fleetDeb(COMMON.package, COMMON.to, platforms))
    const { package: name, from, to } = COMMON
    const fix = [{ package: name, from, to }]
    const common = await factory.perform(await planOf(factory, 'fix', { images: all, changes: fix }), workers)
    const rare = extraPackage(0, bases)
    await factory.archive.publish(...fleetDeb(rare, '1.0-2', platforms))
    const images = overlays(options).filter((at) => extraPackage(at, bases) === rare)
    const changes = [{ package: rare, from: '1.0-1', to: '1.0-2' }]
    const few = { images: images.map((at) => ({ image: `overlay-${at}`, after: [] })), changes }
    return {
      ...{ options, first, common },
      rare: await factory.perform(await planOf(factory, 'rare', few), workers),
      bytes: await factory.bytesOf('overlay-1', `base-${1 % bases}`),
      affected: await ask(factory),
      peer: await factory.peer(options.peers),
    }
  } finally {
    await factory.close()
  }
}

async function ask({ store }: FleetFactory): Promise<FleetTimings['affected']> {
  await store.database.query('gather statistics', 'vacuum analyze')
  let [milliseconds, manifests] = [Number.POSITIVE_INFINITY, 0]
  for (let round = 0; round < QUESTIONS; round++) {
    const start = performance.now()
    const question = { archive: 'test-1', source: COMMON.source, below: `${COMMON.to}+later` }
    manifests = (await store.releases.affected(question)).length
    milliseconds = Math.min(milliseconds, performance.now() - start)
  }
  return { milliseconds, manifests }
}

type Change = { readonly package: string; readonly from: string; readonly to: string }
type Wanted = Pick<PlannedImage, 'image' | 'after'>

function overlays({ overlays: count }: FleetShape): readonly number[] {
  return Array.from({ length: count }, (_, at) => at)
}

function everyImage(shape: FleetShape): readonly Wanted[] {
  const bases = Array.from({ length: shape.bases }, (_, at) => ({ image: `base-${at}`, after: [] }))
  const above = overlays(shape).map((at) => ({ image: `overlay-${at}`, after: [`base-${at % shape.bases}`] }))
  return [...bases, ...above]
}

async function planOf(
  { store }: FleetFactory,
  key: string,
  { images, changes }: { readonly images: readonly Wanted[]; readonly changes: readonly Change[] },
): Promise<Plan> {
  const seen = new Date().toISOString()
  const [event] = await store.events.record([{ kind: 'asked', subject: 'fleet', key, payload: null, seen }])
  const advisories = changes.map(() => 'CVE-2026-1000')
  const because = changes.length === 0 ? { because: 'its first release' } : {}
  const reason = { event: event?.id ?? 0, advisories, changes, ...because }
  return {
    events: [event?.id ?? 0],
    images: images.map((one) => ({ ...one, reasons: [reason], held: undefined })),
    made: seen,
  }
}

/** Writes what a fleet took, and what of the limits is kept; those of time are of 10,000 overlays. */
export function formatFleet({ options, first, common, rare, bytes, affected, peer }: FleetTimings): string[] {
  const { bases, overlays: count, platforms, workers } = options
  const by = workers === 0 ? 'one worker with the measuring in its process' : `${workers} workers`
  return [
    `${bases} bases, ${count} overlays, ${platforms.length} platforms; ${by}; ${cpus().length} cores, load at the end ${loadavg()[0]?.toFixed(1)}`,
    ...formatRun('first release of all', first),
    ...formatRun('a fix that all have', common),
    ...formatRun('a fix that 1 % have', rare),
    '',
    `an overlay: ${(bytes.own / 1024).toFixed(1)} KiB of its own on each platform, ${(bytes.evidence / 1000).toFixed(0)} kB of evidence in all`,
    `asking whom a fix concerns: ${affected.manifests} manifests in ${affected.milliseconds.toFixed(1)} ms`,
    ...(peer.count === 0
      ? []
      : [
          `mmdebstrap and umoci, ${peer.count} images for one platform, without evidence, tests or registry: ${seconds(peer.milliseconds)} s, processor ${seconds(peer.processor)} s; so ${count * platforms.length} of them ${seconds((peer.processor / peer.count) * count * platforms.length)} s of processor time`,
        ]),
  ]
}

/** What of the limits is kept, in words. */
export function judgeFleet({
  common,
  rare,
  bytes,
  affected,
}: FleetTimings): readonly { text: string; isKept: boolean }[] {
  const row = (text: string, value: number, limit: number) => ({ text, isKept: value <= limit })
  return [
    row(
      `the fix that all have, everything of it, in ${FLEET_LIMITS.common / 1000} s`,
      common.milliseconds,
      FLEET_LIMITS.common,
    ),
    row(`the fix that few have in ${FLEET_LIMITS.rare / 1000} s`, rare.milliseconds, FLEET_LIMITS.rare),
    row(`the question in ${FLEET_LIMITS.affected} ms`, affected.milliseconds, FLEET_LIMITS.affected),
    row('15 KiB of its own a platform', bytes.own, FLEET_LIMITS.own),
    row('350 kB of evidence', bytes.evidence, FLEET_LIMITS.evidence),
    row('every image is released', common.failed.length + rare.failed.length, 0),
  ]
}

function formatRun(title: string, { milliseconds, processor, stages, inherited, done, failed }: RunCost): string[] {
  const each = (total: number) => `${(total / Math.max(1, done)).toFixed(1)} ms`
  const { workers, registry, database } = processor
  return [
    '',
    `${title}: ${done} images in ${seconds(milliseconds)} s, ${each(milliseconds)} each`,
    `  processor: workers ${seconds(workers)} s (${each(workers)}), registry ${seconds(registry)} s (${each(registry)}), database ${seconds(database)} s (${each(database)})`,
    ...[...stages].map(
      ([stage, total]) =>
        `  ${stage.padEnd(8)} ${each(total)} each by the clock, several at a time; ${inherited.get(stage) ?? 0} as before`,
    ),
    ...failed.slice(0, 5).map((line) => `  FAILED ${line}`),
  ]
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(2)
}

/** Reads the options of the command line, also of the proof. */
export function fleetOptions(args: readonly string[]): FleetOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      bases: { type: 'string', default: '2' },
      overlays: { type: 'string', default: '20' },
      platforms: { type: 'string', default: 'linux/amd64' },
      workers: { type: 'string', default: '0' },
      peers: { type: 'string', default: '0' },
    },
  })
  const [bases = 0, count = 0, workers = 0, peers = 0] = [
    values.bases,
    values.overlays,
    values.workers,
    values.peers,
  ].map(Number)
  return { bases, overlays: count, platforms: values.platforms.split(','), workers, peers }
}

if (import.meta.main) console.log(formatFleet(await measureFleet(fleetOptions(process.argv.slice(2)))).join('\n'))
