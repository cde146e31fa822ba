import { ARCHIVE, FLEET, TAG } from './event-fleet.ts'
import { type EventStage, type FleetState, IMAGES } from './event-stage.ts'
import { LIMITS, podman } from './podman.ts'

/** Seconds from its start to readiness that the issue allows. */
const RESTART = 3
const HOUR = 3_600_000
const ALARM = 'dev.casemate.archive.v1'
const MARKS = ['fix-available', 'seen', 'planned', 'built', 'gated', 'published']

/** The old images have what can be fixed, by advisories and, of catalogue images, by the archive; the new ones have nothing of it. */
export async function proveScans(
  stage: EventStage,
  images: { readonly before: FleetState; readonly after: FleetState; readonly affected: readonly string[] },
): Promise<void> {
  const rows: string[] = []
  const wrong: string[] = []
  for (const image of images.affected) {
    const cells: string[] = []
    for (const evidence of FLEET.bases.includes(image) ? ['advisories', 'archive'] : ['advisories']) {
      const both = [images.before, images.after].map(({ digests }) => stage.reference(image, digests.get(image)))
      const [old, now] = await Promise.all(both.map((reference) => fixable(stage, reference, evidence)))
      if (old === 0 || now !== 0) wrong.push(image)
      cells.push(`by ${evidence} ${String(old).padStart(2)} → ${now}`)
    }
    rows.push(`    ${image.padEnd(10)} ${cells.join('   ')}`)
  }
  const not = wrong.length > 0 ? `; not of ${wrong.join(', ')}` : ''
  stage.check(
    wrong.length === 0,
    `scan: what a newer version fixes is in the old digests, and not in the new ones${not}`,
  )
  stage.note(...rows)
}

interface ScannedFinding {
  readonly status?: string
  readonly fixedIn?: string
}

async function fixable(stage: EventStage, reference: string, evidence: string): Promise<number> {
  const { status, stdout, stderr } = await stage.casemate(['scan', reference, '--evidence', evidence, '--json'])
  if (status !== 0) throw new Error(`cannot scan ${reference}: ${stderr}`)
  const { findings }: { findings: readonly ScannedFinding[] } = JSON.parse(stdout)
  return findings.filter(({ fixedIn }) => fixedIn !== undefined).length
}

/** Every finding of every image that was rebuilt has come to each mark, in order. */
export async function proveClocks(stage: EventStage, affected: readonly string[]): Promise<void> {
  const faults: string[] = []
  const spent = { wait: [] as number[], work: [] as number[] }
  let count = 0
  for (const image of affected) {
    const findings = await stage.up.findings(image)
    if (findings.length === 0) faults.push(`${image} has no clock`)
    for (const { finding, open, marks } of findings) {
      count++
      const times = MARKS.map((mark) => Date.parse(marks[mark] ?? ''))
      const isInOrder = times.every((time, index) => time >= (times[index - 1] ?? 0))
      if (open || !isInOrder || marks['disclosed'] === undefined)
        faults.push(`${image}: ${finding} ${JSON.stringify(marks)}`)
      const [fix = 0, seen = 0, , , , published = 0] = times
      spent.wait.push(seen - fix)
      spent.work.push(published - seen)
    }
  }
  stage.check(
    faults.length === 0,
    `clocks: ${count} findings of ${affected.length} images came to ${['disclosed', ...MARKS].join(', ')}, in order ${faults.slice(0, 3).join('; ')}`,
  )
  const range = (all: readonly number[], unit: number) =>
    `${(Math.min(...all) / unit).toFixed(1)} to ${(Math.max(...all) / unit).toFixed(1)}`
  stage.note(
    `    fix available (Debian's own Date) → seen ${range(spent.wait, HOUR)} h, seen → published ${range(spent.work, 1000)} s`,
  )
  const clocks = await stage.casemate(['ledger', 'clocks', '--check'])
  stage.check(clocks.status === 0, 'casemate ledger clocks --check: none is late')
  stage.note(
    ...clocks.stdout
      .trimEnd()
      .split('\n')
      .map((line) => `    ${line}`),
  )
}

/** podman pulls a new tag and runs it. */
export async function provePulled(stage: EventStage, { digests }: FleetState): Promise<void> {
  const reference = `${stage.up.address}/python:${TAG}`
  const id = (await podman(['pull', '--quiet', '--tls-verify=false', reference])).trim()
  try {
    const known = await podman(['image', 'inspect', '--format', '{{json .RepoDigests}} {{.Digest}}', id])
    const said = await podman(['run', '--rm', ...LIMITS, id, '-c', 'print("made here")'])
    const isSame = known.includes(digests.get('python') ?? 'nothing')
    stage.check(
      isSame && said === 'made here\n',
      `podman pulls python:${TAG}, by the new digest, and it says: ${said.trim()}`,
    )
  } finally {
    await podman(['rmi', '--force', id])
  }
}

/** The same state again, by other headers and by being told, is no event. */
export async function proveSameAgain(stage: EventStage, after: FleetState): Promise<void> {
  const before = await historyOf(stage)
  stage.mirror.touch()
  const status = await stage.up.notice(stage.subject)
  const again = await stage.up.notice(ARCHIVE)
  await stage.looked(2)
  const isStill = (await historyOf(stage)) === before && (await isSame(stage, after))
  stage.check(
    status === 202 && again === 202 && isStill,
    `the same InRelease served anew, pushed twice and polled twice: no event, no run, no release, no message, no new digest (${before})`,
  )
}

export async function proveRestart(stage: EventStage, after: FleetState): Promise<void> {
  const before = await historyOf(stage)
  const status = await stage.up.end('SIGTERM')
  stage.check(status === 0, `SIGTERM ends it with ${status}`)
  const again = stage.start()
  const seconds = (await again.ready()) / 1000
  stage.check(seconds < RESTART, `restarted: ready after ${seconds.toFixed(2)} s; less than ${RESTART}`)
  await stage.looked(2)
  const isStill = (await historyOf(stage)) === before && (await isSame(stage, after))
  stage.check(isStill, `the restarted one looks twice and does nothing (${await historyOf(stage)})`)
}

/** A mirror that has gone back is not believed, and nothing is made from it, even when asked. */
export async function proveOlder(stage: EventStage, after: FleetState): Promise<void> {
  const { up, mirror } = stage
  const [runs, releases] = [(await up.runs()).length, await up.releases()]
  mirror.serve('without')
  mirror.touch()
  const alarms = () => stage.heard.filter(({ type, data }) => type === ALARM && data.alarm === 'rolled-back').length
  await stage.patiently(async () => alarms() > 0, 60)
  const warnings = async () => (await up.warnings()).filter((line) => line.includes(stage.subject))
  await stage.patiently(async () => (await warnings()).length > 0)
  const warned = await warnings()
  stage.check(
    alarms() > 0 && warned.length > 0,
    `the older InRelease raises an alarm by webhook and in the API: ${warned[0]}`,
  )
  const asked = await up.ask('nginx', 'somebody wants it anew')
  await stage.looked(2)
  const isStill =
    (await up.runs()).length === runs && (await up.releases()) === releases && (await isSame(stage, after))
  stage.check(
    asked === 201 && isStill,
    `nothing is published from it, though nginx is asked for; held: ${heldIn(stage)}`,
  )
  mirror.serve('with')
  await stage.patiently(async () => (await warnings()).length === 0, 60)
  const isOver = async () => (await up.runs()).length > runs && (await up.runs())[0]?.ended != null
  await stage.patiently(isOver, 180)
  const isQuiet = (await isOver()) && (await up.releases()) === releases && (await isSame(stage, after))
  stage.check(
    isQuiet,
    'when the archive is in order again, what was asked is looked into: the same digest, so nothing is released',
  )
}

function heldIn(stage: EventStage): string {
  const held = stage.heard.filter(({ type }) => type === 'dev.casemate.held.v1')
  return held.map(({ subject, data }) => `${subject} (${data.title})`).join('; ')
}

/** Counts of all that would be another one after any work. */
async function historyOf({ up, heard }: EventStage): Promise<string> {
  const events = (await up.events()).filter(({ kind }) => kind.startsWith('archive')).length
  const runs = (await up.runs()).length
  return `${events} events of archives, ${runs} runs, ${await up.releases()} releases, ${heard.length} messages`
}

async function isSame(stage: EventStage, { digests }: FleetState): Promise<boolean> {
  const now = await stage.digests()
  return IMAGES.every((image) => now.get(image) === digests.get(image))
}
