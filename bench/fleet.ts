/**
 * What it takes to rebuild a fleet because of one fix, with the factory as it is: bases of 25 to 35 packages, overlays of base, one
 * package and one file, by the engine's own stages, with PostgreSQL, a registry process and advisories:
 * `node --conditions=source bench/fleet.ts [--bases N] [--overlays N] [--platforms linux/amd64,linux/arm64] [--workers N]`.
 * The advisories are those that are imported here. As root, CASEMATE_POSTGRES_USER is the user that PostgreSQL runs as.
 */
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import type { Plan, PlannedImage } from '#factory'
import { COMMON, extraPackage, type FleetShape, fleetDeb } from './parts/fleet-archive.ts'
import { FleetFactory, type RunCost } from './parts/fleet-factory.ts'

const { values } = parseArgs({
  options: {
    bases: { type: 'string', default: '2' },
    overlays: { type: 'string', default: '20' },
    platforms: { type: 'string', default: 'linux/amd64' },
    workers: { type: 'string', default: '0' },
  },
})

const shape: FleetShape = {
  bases: Number(values.bases),
  overlays: Number(values.overlays),
  platforms: values.platforms.split(','),
}
const workers = Number(values.workers)

const factory = await FleetFactory.open(shape, process.env['CASEMATE_POSTGRES_USER'])
try {
  console.log(
    `${shape.bases} bases, ${shape.overlays} overlays, ${shape.platforms.length} platforms; ${workers === 0 ? 'one worker in this process' : `${workers} workers`}; ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`,
  )
  report('first release of all', await factory.perform(await planOf('first', everyImage(), []), workers))
  await factory.archive.publish(...fleetDeb(COMMON.package, COMMON.to, shape.platforms))
  const { package: name, from, to } = COMMON
  report(
    'a fix that all have',
    await factory.perform(await planOf('fix', everyImage(), [{ package: name, from, to }]), workers),
  )
  const rare = extraPackage(0, shape.bases)
  await factory.archive.publish(...fleetDeb(rare, '1.0-2', shape.platforms))
  const some = overlays().filter((at) => extraPackage(at, shape.bases) === rare)
  const change = { package: rare, from: '1.0-1', to: '1.0-2' }
  report('a fix that few have', await factory.perform(await planOf('rare', some.map(overlayImage), [change]), workers))
} finally {
  await factory.close()
}

type Change = { readonly package: string; readonly from: string; readonly to: string }
type Wanted = Pick<PlannedImage, 'image' | 'after'>

function overlays(): readonly number[] {
  return Array.from({ length: shape.overlays }, (_, at) => at)
}

function overlayImage(at: number): Wanted {
  return { image: `overlay-${at}`, after: [] }
}

function everyImage(): readonly Wanted[] {
  const bases = Array.from({ length: shape.bases }, (_, at) => ({ image: `base-${at}`, after: [] }))
  return [...bases, ...overlays().map((at) => ({ image: `overlay-${at}`, after: [`base-${at % shape.bases}`] }))]
}

async function planOf(key: string, images: readonly Wanted[], changes: readonly Change[]): Promise<Plan> {
  const seen = new Date().toISOString()
  const [event] = await factory.store.events.record([{ kind: 'asked', subject: 'fleet', key, payload: null, seen }])
  const advisories = changes.map((change) => `CVE-2026-1000 ${change.package}`)
  const reason = { event: event?.id ?? 0, advisories, changes, ...(changes.length === 0 ? { because: 'first' } : {}) }
  return {
    events: [event?.id ?? 0],
    images: images.map((one) => ({ ...one, reasons: [reason], held: undefined })),
    made: seen,
  }
}

function report(title: string, { milliseconds, processor, stages, inherited, done, failed }: RunCost): void {
  const each = (total: number) => `${(total / Math.max(1, done)).toFixed(1)} ms`
  console.log(`\n${title}: ${done} images in ${(milliseconds / 1000).toFixed(2)} s, ${each(milliseconds)} each`)
  const { workers: own, registry, database } = processor
  console.log(
    `  processor: worker ${(own / 1000).toFixed(2)} s (${each(own)}), registry ${(registry / 1000).toFixed(2)} s (${each(registry)}), database ${(database / 1000).toFixed(2)} s (${each(database)})`,
  )
  for (const [stage, total] of stages) {
    console.log(`  ${stage.padEnd(8)} ${each(total)} each by the clock; ${inherited.get(stage) ?? 0} as before`)
  }
  for (const line of failed.slice(0, 5)) console.log(`  FAILED ${line}`)
}
