import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { digestOf } from '#core'
import {
  type ArchiveChange,
  eventKey,
  type FleetImage,
  type HeldPackage,
  type NewEvent,
  type NewRelease,
  noteEvents,
  type PlannedImage,
  Planner,
  type PlannerPorts,
  parseFactorySettings,
  planDigest,
  planRebuilds,
} from '#factory'
import { type OpenStore, openStore, startPostgres } from '#store'

const MINUTE = 60_000
/** Ends when the night's maintenance window has just closed: before it, images wait, and what they lack is remembered. */
const START = Date.parse('2026-11-21T06:00:00.000Z')
const MINUTES = 24 * 60
const BASES = 20
const OVERLAYS = 180
const PACKAGES = 30
const SOURCES = 200
/** What the heap may vary by: the collector keeps what it likes. */
const SLACK = 8 << 20
const RESTART_LIMIT = 3000
/** Half seconds that the queue gets to come to its end. */
const PATIENCE = 240
const SETTINGS = `policy:
  security: { high: now, medium: 2h, low: 4h }
  windows: [{ images: ["overlay-1*"], from: "02:00", until: "05:00", zone: Europe/Berlin }]
`

/**
 * 24 simulated hours at one event a minute: each is a newer version of some package; what a plan lets go is released at once. Holds when
 * heap, remembered versions, open runs and the queue are no more at the end than after six hours, and a planner that begins anew, every
 * six hours, plans the same within 3 s. The argument is the user that PostgreSQL runs as.
 */
export async function run([user = 'postgres']: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'cm-day-'))
  const postgres = await startPostgres({ folder, user })
  const store = await openStore(postgres.address)
  try {
    return await new Day(store).run()
  } finally {
    await store.close()
    await postgres.stop()
    await rm(folder, { recursive: true })
  }
}

/** What was found at an hour. */
interface Reading {
  readonly hour: number
  readonly heap: number
  readonly remembered: number
  readonly openRuns: number
  readonly queued: number
  readonly held: number
  readonly milliseconds: number
}

/** How a planner did that began anew. */
interface Restart {
  readonly milliseconds: number
  readonly isSame: boolean
}

class Day {
  readonly #store: OpenStore
  readonly #ports: PlannerPorts
  readonly #versions = new Map<string, number>()
  #now = START
  #rebuilds = 0
  #slowest = 0

  constructor(store: OpenStore) {
    this.#store = store
    const images = fleet()
    this.#ports = {
      store,
      definitions: async () => images,
      standing: () => ({ isSecurity: true, priority: 500 }),
      closes: ({ source, to }) => [
        { advisory: `CVE-${source}-${to}`, severity: severityOf(source), isExploited: false },
      ],
      disclosed: () => undefined,
      look: async () => [],
      policy: parseFactorySettings(SETTINGS, 'factory.yaml').policy,
      now: () => new Date(this.#now).toISOString(),
    }
  }

  async run(): Promise<{ holds: boolean; lines: string[] }> {
    // Nobody works here: what is handed out is taken, and `release` ends it.
    const queue = await this.#store.queue.take(async () => {}, { concurrency: 8, onError: console.error })
    try {
      return await this.#pass()
    } finally {
      await queue.stop(5000)
    }
  }

  async #pass(): Promise<{ holds: boolean; lines: string[] }> {
    let planner = new Planner(this.#ports)
    const readings: Reading[] = []
    const restarts: Restart[] = []
    let start = performance.now()
    for (let minute = 0; minute < MINUTES; minute++) {
      this.#now = START + minute * MINUTE
      await this.#store.transaction((logs) => noteEvents(logs, [this.#event(minute)]))
      const began = performance.now()
      const { planned, run } = await planner.plan()
      this.#slowest = Math.max(this.#slowest, performance.now() - began)
      const going = planned.plan.images.filter((one) => one.held === undefined)
      if (run !== undefined) await this.#release(run, going)
      if (minute % 60 !== 59) continue
      const held = planned.plan.images.length - going.length
      readings.push(await this.#read({ hour: (minute + 1) / 60, planner, held, start }))
      console.error(JSON.stringify(readings.at(-1)))
      if (minute % 360 === 359) {
        restarts.push(await this.#restart(planner))
        planner = new Planner(this.#ports)
      }
      start = performance.now()
    }
    return this.#result(readings, restarts)
  }

  #event(minute: number): NewEvent {
    const source = `source-${(minute * 37) % SOURCES}`
    const version = (this.#versions.get(source) ?? 1) + 1
    this.#versions.set(source, version)
    const digest = digestOf(`${minute}`)
    const date = new Date(this.#now - 30_000).toISOString()
    const change: ArchiveChange = {
      ...{ archive: 'debian-13', suite: 'trixie-security', to: { date, digest } },
      from: { date, digest: digestOf(`${minute - 1}`) },
      packages: [{ ...held(source, version), to: String(version), architectures: ['amd64'] }],
    }
    const subject = 'debian-13/trixie-security'
    const key = eventKey('archive-changed', subject, digest)
    return {
      kind: 'archive-changed',
      subject,
      key,
      payload: JSON.parse(JSON.stringify(change)),
      seen: this.#ports.now(),
    }
  }

  async #release(run: number, going: readonly PlannedImage[]): Promise<void> {
    const { store, now, definitions } = this.#ports
    const heads = new Map((await store.fleet.heads()).map(({ image, contents }) => [image, contents]))
    const packages = await store.fleet.contents([...heads.values()])
    const first = new Map(
      (await definitions()).map(({ image, contents }) => [image, contents.get('linux/amd64') ?? []]),
    )
    const releases = going.map(({ image, reasons }): NewRelease => {
      const moves = new Map(
        reasons
          .filter(({ waits }) => waits === undefined)
          .flatMap(({ changes }) => changes.map(({ package: name, to = '' }) => [name, to])),
      )
      const head = heads.get(image)
      const before = (head === undefined ? undefined : packages.get(head)) ?? first.get(image) ?? []
      const after = before.map((one) => ({
        ...one,
        ...held(one.source.name, Number(moves.get(one.name) ?? one.version)),
      }))
      const digest = digestOf(`${image} ${run}`)
      const manifests = [{ platform: 'linux/amd64', digest, packages: after }]
      return {
        image,
        variant: 'runtime',
        digest,
        lock: digest,
        tags: [],
        evidence: {},
        released: now(),
        manifests,
        run,
      }
    })
    this.#rebuilds += releases.length
    await store.releases.record(releases)
    await store.work.end(
      run,
      going.map(({ image }) => ({ image, state: 'done', reason: 'published', at: now() })),
    )
    await store.work.close(run, now())
  }

  async #read({
    hour,
    planner,
    held,
    start,
  }: {
    hour: number
    planner: Planner
    held: number
    start: number
  }): Promise<Reading> {
    const milliseconds = (performance.now() - start) / 60
    const openRuns = (await this.#store.work.open()).length
    // The queue's own clock is not simulated: whoever takes from it gets time to come after.
    if (hour % 6 === 0) for (let waits = 0; waits < PATIENCE && (await this.#queued()) > 0; waits++) await sleep(500)
    const queued = await this.#queued()
    return {
      hour,
      heap: collectedHeap(),
      remembered: planner.remembered,
      openRuns,
      queued,
      held,
      milliseconds,
    }
  }

  async #queued(): Promise<number> {
    const [row] = await this.#store.database.query<{ queued: number }>(
      'count what is queued',
      "select count(*)::int as queued from casemate_queue.job where state < 'completed'",
    )
    return row?.queued ?? 0
  }

  /** A planner that begins anew plans what the old one would. */
  async #restart(planner: Planner): Promise<Restart> {
    const before = planDigest(planRebuilds(await planner.input()).plan)
    const start = performance.now()
    const after = planDigest(planRebuilds(await new Planner(this.#ports).input()).plan)
    return { milliseconds: performance.now() - start, isSame: before === after }
  }

  #result(readings: readonly Reading[], restarts: readonly Restart[]): { holds: boolean; lines: string[] } {
    const [early, last] = [readings[5], readings.at(-1)]
    if (early === undefined || last === undefined) throw new Error('the day had no hours')
    const isFlat =
      last.heap <= early.heap + SLACK &&
      last.remembered <= 2 * Math.max(early.remembered, SOURCES) &&
      last.openRuns === 0
    const isQuick = restarts.every(({ milliseconds, isSame }) => isSame && milliseconds < RESTART_LIMIT)
    return {
      holds: isFlat && isQuick && early.queued === 0 && last.queued === 0,
      lines: [
        `${BASES + OVERLAYS} images of ${PACKAGES} packages; ${MINUTES} events, ${this.#rebuilds} rebuilds; the slowest plan took ${this.#slowest.toFixed(0)} ms`,
        'hour  heap MB  remembered  held  open runs  queued  ms a minute',
        ...readings.map(({ hour, heap, remembered, held, openRuns, queued, milliseconds }) =>
          [
            String(hour).padStart(4),
            (heap / 2 ** 20).toFixed(1).padStart(9),
            String(remembered).padStart(12),
            String(held).padStart(6),
            String(openRuns).padStart(11),
            String(queued).padStart(8),
            milliseconds.toFixed(0).padStart(13),
          ].join(''),
        ),
        `planners that began anew: ${restarts.map(({ milliseconds, isSame }) => `${milliseconds.toFixed(0)} ms, ${isSame ? 'the same plan' : 'ANOTHER PLAN'}`).join('; ')}`,
      ],
    }
  }
}

function held(source: string, version: number): HeldPackage {
  const text = String(version)
  return {
    archive: 'debian-13',
    name: `lib${source}`,
    version: text,
    architecture: 'amd64',
    source: { name: source, version: text },
  }
}

function severityOf(source: string): 'high' | 'medium' | 'low' {
  return (['high', 'medium', 'low'] as const)[Number(source.slice('source-'.length)) % 3] ?? 'high'
}

/** Bases of thirty packages, and overlays that add one. */
function fleet(): readonly FleetImage[] {
  const bases = Array.from({ length: BASES }, (_, base) => {
    const packages = Array.from({ length: PACKAGES }, (_, at) => held(`source-${(base * 7 + at * 3) % SOURCES}`, 1))
    return { image: `base-${base}`, parent: undefined, requests: [], released: undefined, packages }
  })
  const overlays = Array.from({ length: OVERLAYS }, (_, at) => {
    const below = bases[at % BASES]
    const packages = new Map(
      [...(below?.packages ?? []), held(`source-${(at * 11) % SOURCES}`, 1)].map((one) => [one.name, one]),
    )
    return {
      image: `overlay-${at}`,
      parent: below?.image,
      requests: [],
      released: undefined,
      packages: [...packages.values()],
    }
  })
  return [...bases, ...overlays].map(({ packages, ...image }) => ({
    ...image,
    contents: new Map([['linux/amd64', packages]]),
  }))
}

function collectedHeap(): number {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect === 'function') collect()
  return process.memoryUsage().heapUsed
}
