import { cpus, loadavg } from 'node:os'
import { composeAnnouncements } from './parts/composed-announcements.ts'
import {
  proveClocks,
  proveOlder,
  provePulled,
  proveRestart,
  proveSameAgain,
  proveScans,
} from './parts/event-aftermath.ts'
import { FLEET } from './parts/event-fleet.ts'
import { EventStage, type FleetState, IMAGES } from './parts/event-stage.ts'
import { type Behind, DpkgOrder, readOffered } from './parts/expected-rebuilds.ts'

/** Seconds from detection to the first fixed tag that the issue allows. */
const LIMIT = 45
const RELEASE = 'dev.casemate.release.v1'

/**
 * The real event: a factory with five catalogue images and twenty overlays, whose mirror has Debian 13 without its security updates, then
 * with them. Holds when exactly the images are rebuilt that lack something by the Packages files, dpkg's databases and dpkg's order of
 * versions, soon enough, with clocks, webhooks and nothing left to find; when the same again does nothing; and when an older state
 * raises an alarm and publishes nothing. CASEMATE_ADVISORY_DATA names the folder of advisories. As root the database runs as `postgres`.
 */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const ends: (() => Promise<void>)[] = []
  try {
    const stage = await EventStage.set(ends)
    await prove(stage)
    const printed = stage.up.output.trimEnd().split('\n')
    return {
      holds: stage.isWell,
      lines: [...stage.lines, '', ...printed.filter((line) => !/^(token|verify by) /.test(line))],
    }
  } finally {
    for (const end of ends) await end()
  }
}

/** What each image lacks, by name; images that lack nothing are not in it. */
type Expected = ReadonlyMap<string, readonly Behind[]>

async function prove(stage: EventStage): Promise<void> {
  const order = new DpkgOrder()
  const before = await firstReleases(stage, order)
  const expected = await expectRebuilds(stage, before, order)
  await proveAnnounced(stage, expected, order)
  const after = await proveEvent(stage, { before, expected })
  await proveContents(stage, { before, after, expected }, order)
  proveTold(stage, { before, after, expected })
  await proveScans(stage, { before, after, affected: [...expected.keys()] })
  await proveClocks(stage, [...expected.keys()])
  await provePulled(stage, after)
  await proveSameAgain(stage, after)
  await proveRestart(stage, after)
  await proveOlder(stage, after)
  const ledger = await stage.casemate(['ledger', 'verify'])
  stage.check(ledger.status === 0, `the ledger holds: ${(ledger.stdout || ledger.stderr).trim().split('\n')[0]}`)
  stage.check((await stage.up.end('SIGTERM')) === 0, 'SIGTERM ends it with 0')
}

async function firstReleases(stage: EventStage, order: DpkgOrder): Promise<FleetState> {
  const start = performance.now()
  const up = stage.start()
  await up.introduced()
  await up.until('the first releases', async () => {
    if (!/done +released as/.test(up.output)) return false
    const [run] = await up.runs()
    return run?.ended != null
  })
  const [run] = await up.runs()
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  stage.check(
    run?.done === IMAGES.length,
    `${run?.done} of ${IMAGES.length} images released from trixie without its security updates, ${seconds} s from an empty folder`,
  )
  const before = await stage.fleet()
  const offered = await readOffered(stage.mirror.url)
  const behind = (await Promise.all([...before.contents.values()].map((one) => order.behind(one, offered)))).flat()
  const count = [...before.contents.values()].reduce((sum, one) => sum + one.size, 0)
  const text = behind.map(({ name, from, to }) => `${name} ${from} < ${to.version}`).join(', ')
  stage.check(behind.length === 0, `nothing newer is offered for any of their ${count} packages${text && `: ${text}`}`)
  return before
}

/** By the Packages files of the state to come, before the factory sees it. */
async function expectRebuilds(stage: EventStage, { contents }: FleetState, order: DpkgOrder): Promise<Expected> {
  const offered = await readOffered(stage.mirror.whole)
  const expected = new Map<string, readonly Behind[]>()
  for (const [image, installed] of contents) {
    const behind = await order.behind(installed, offered)
    if (behind.length > 0) expected.set(image, behind)
  }
  const all = new Map([...expected.values()].flat().map((one) => [one.name, one]))
  const names = [...all.values()].map(({ name, from, to }) => `${name} ${from} → ${to.version}`)
  const left = IMAGES.filter((image) => !expected.has(image))
  stage.note(
    `    expected by the Packages files with security updates of ${stage.mirror.date.toISOString()}:`,
    `    ${expected.size} images lack some of ${all.size} packages: ${names.sort().join(', ')}`,
    `    ${left.length} lack nothing: ${left.join(', ')}`,
  )
  const isMixed = left.length > 0 && FLEET.bases.every((base) => expected.has(base))
  stage.check(isMixed, 'some images are concerned, some are not')
  return expected
}

/** What is announced and not in the archive yet is waiting for Debian: nothing can be rebuilt. */
async function proveAnnounced(stage: EventStage, expected: Expected, order: DpkgOrder): Promise<void> {
  const runs = (await stage.up.runs()).length
  const composed = await composeAnnouncements(stage.mirror.whole, [...expected.values()].flat(), order)
  stage.announce(composed.text)
  const status = await stage.up.notice('advisories')
  await stage.looked(1)
  const isStill = status === 202 && (await stage.up.runs()).length === runs
  stage.check(
    isStill,
    `fixes of ${composed.sources} sources (${composed.issues} issues, by their changelogs) are announced, the archive has none yet: nothing is rebuilt`,
  )
}

interface Outcome {
  readonly before: FleetState
  readonly expected: Expected
}

async function proveEvent(stage: EventStage, { before, expected }: Outcome): Promise<FleetState> {
  const { up, mirror } = stage
  const runs = (await up.runs()).length
  // Right behind a look, so that the wait for the next one is a whole one.
  await stage.looked(1)
  const told = stage.heard.length
  mirror.serve('with')
  const changed = Date.now()
  await up.until('a run', async () => (await up.runs()).length > runs)
  await up.until('the end of the run', async () => (await up.runs())[0]?.ended != null)
  const [run] = await up.runs()
  const event = (await up.events()).find(({ kind, subject }) => kind === 'archive-changed' && subject === stage.subject)
  const seen = Date.parse(event?.seen ?? '')
  await stage.patiently(async () => releasesIn(stage, told).length >= expected.size)
  const first = Math.min(...releasesIn(stage, told).map(({ at }) => at))
  if (run !== undefined && run.failed > 0)
    stage.note(...(await up.failures(run.id)).map((line) => `    failed: ${line}`))
  const after = await stage.fleet()
  const seconds = (from: number, to: number) => ((to - from) / 1000).toFixed(1)
  stage.note(
    `    the mirror has the updates → seen ${seconds(changed, seen)} s → first fixed tag ${seconds(seen, first)} s → all ${seconds(seen, Date.parse(run?.ended ?? ''))} s; load ${loadavg()[0]?.toFixed(0)} on ${cpus().length} processors`,
  )
  stage.check(
    first - seen <= LIMIT * 1000,
    `from detection to the first fixed tag, told by webhook: ${seconds(seen, first)} s; at most ${LIMIT}`,
  )
  stage.check(
    (await up.runs()).length === runs + 1 && run?.failed === 0,
    `one run, ${run?.done} images done, ${run?.failed} failed`,
  )
  const changes = IMAGES.filter((image) => after.digests.get(image) !== before.digests.get(image))
  const isExact = new Set(changes).symmetricDifference(new Set(expected.keys())).size === 0
  stage.check(
    isExact,
    `exactly the ${expected.size} images that lacked something have another digest; ${IMAGES.length - changes.length} have the same${isExact ? '' : `; rebuilt: ${changes.join(', ')}`}`,
  )
  return after
}

function releasesIn(stage: EventStage, from: number) {
  return stage.heard.slice(from).filter(({ type }) => type === RELEASE)
}

/** Every image has what the archive offers now, and beside that what it had. */
async function proveContents(
  stage: EventStage,
  { before, after, expected }: Outcome & { readonly after: FleetState },
  order: DpkgOrder,
): Promise<void> {
  const offered = await readOffered(stage.mirror.url)
  const faults: string[] = []
  let moved = 0
  for (const [image, installed] of after.contents) {
    const wanted = new Map(before.contents.get(image))
    for (const { name, to } of expected.get(image) ?? []) wanted.set(name, to.version)
    for (const name of new Set([...wanted.keys(), ...installed.keys()])) {
      if (installed.get(name) !== wanted.get(name))
        faults.push(`${image}: ${name} ${installed.get(name)}, want ${wanted.get(name)}`)
      else if (installed.get(name) !== before.contents.get(image)?.get(name)) moved++
    }
    for (const { name } of await order.behind(installed, offered)) faults.push(`${image}: ${name} is behind`)
  }
  stage.check(
    faults.length === 0,
    `dpkg's databases: ${moved} packages moved as expected, all others stayed, nothing is behind ${faults.slice(0, 5).join('; ')}`,
  )
}

function proveTold(stage: EventStage, { before, after, expected }: Outcome & { readonly after: FleetState }): void {
  const told = stage.heard.filter(({ type, data }) => type === RELEASE && data.changelog?.from !== undefined)
  const isRight = told.every(({ subject = '', data: { changelog } }) => {
    const [from, to] = [changelog?.from?.digest, changelog?.to.digest]
    return from === before.digests.get(subject) && to === after.digests.get(subject)
  })
  const subjects = told.map(({ subject }) => subject)
  const isExact = subjects.length === expected.size && subjects.every((image) => expected.has(image ?? ''))
  stage.check(
    isRight && isExact,
    `webhooks: one release for each of the ${expected.size} images, from its old digest to its new one, none of others`,
  )
  const signed = stage.heard.filter(({ isSigned }) => isSigned).length
  stage.check(signed === stage.heard.length, `all ${signed} messages verify by the Standard Webhooks library`)
}
