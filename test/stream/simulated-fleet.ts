import { digestOf } from '#core'
import {
  type CloseFindings,
  eventKey,
  type FactoryEvent,
  Fleet,
  type FleetImage,
  type FleetMember,
  type HeldPackage,
  type Moment,
  type PlannedImage,
  planRebuilds,
  type Reason,
  type SeenFinding,
  SeenOffers,
  type UpdatePolicy,
  type WaitingImage,
} from '#factory'

/** Source packages that came to new versions at one time, in one suite. */
export interface ArchiveTick {
  readonly at: number
  readonly suite: string
  readonly updates: readonly { readonly source: string; readonly version: string }[]
}

/** An image with what its layers weigh. */
export interface WeighedImage extends FleetImage {
  /** Layers of its own: the packages in each, and bytes. */
  readonly layers: readonly { readonly packages: ReadonlySet<string>; readonly bytes: number }[]
}

export interface SimulationInput {
  readonly images: readonly WeighedImage[]
  readonly ticks: readonly ArchiveTick[]
  readonly policy: UpdatePolicy
  readonly closes: CloseFindings
  /** When plans are made: at each event and when a hold ends, or at one hour of each day only. */
  readonly rhythm: 'events' | { readonly nightly: number }
  readonly end: number
}

/** What came of a simulated time. */
export interface Simulated {
  readonly events: number
  readonly plans: number
  /** Images that were rebuilt, each time. */
  readonly rebuilds: number
  /** By image. */
  readonly rebuildsOf: ReadonlyMap<string, number>
  /** Of layers that changed. */
  readonly bytes: number
  /** Findings × images that were closed, and the time from fix to release of all of them together, in milliseconds. */
  readonly closed: number
  readonly exposure: number
  /** Findings × images that are held at the end. */
  readonly open: number
  /** Images that an event was about and that stayed as they were, by why. */
  readonly unchanged: ReadonlyMap<string, number>
  /** How often an image came to be held, by what held it. */
  readonly held: ReadonlyMap<string, number>
  /** Images that are held at the end, with what holds them. */
  readonly heldAtEnd: ReadonlyMap<string, string>
  /** Offers that are remembered at the end: nothing that everybody has. */
  readonly remembered: number
  readonly images: readonly FleetImage[]
}

const DAY = 86_400_000
const ARCHIVE = 'debian-13'

/** Runs the planner over simulated time. What a plan lets go is released at once: this is about plans, not about how long runs take. */
export function simulate(input: SimulationInput): Simulated {
  const simulation = new Simulation(input)
  simulation.run()
  return simulation.result()
}

class Simulation {
  readonly #input: SimulationInput
  readonly #offers = new SeenOffers((_archive, suite) => ({ isSecurity: suite.endsWith('-security'), priority: 500 }))
  readonly #weights: ReadonlyMap<string, WeighedImage['layers']>
  readonly #binaries: ReadonlyMap<string, readonly HeldPackage[]>
  readonly #rebuildsOf = new Map<string, number>()
  readonly #unchanged = new Map<string, number>()
  readonly #held = new Map<string, number>()
  #fleet: Fleet
  #waiting: ReadonlyMap<string, WaitingImage> = new Map()
  #heldNow: ReadonlyMap<string, string> = new Map()
  #fresh: FactoryEvent[] = []
  #events = 0
  #plans = 0
  #bytes = 0
  #closed = 0
  #exposure = 0
  #open = 0

  constructor(input: SimulationInput) {
    this.#input = input
    this.#fleet = new Fleet(input.images)
    this.#weights = new Map(input.images.map(({ image, layers }) => [image, layers]))
    const binaries = Map.groupBy(this.#fleet.packages(), ({ source }) => source.name)
    this.#binaries = binaries
  }

  run(): void {
    const { ticks, rhythm, end } = this.#input
    const open = ticks.toSorted((left, right) => left.at - right.at)
    if (rhythm !== 'events') {
      const first = Math.floor((open[0]?.at ?? end) / DAY) * DAY + rhythm.nightly
      for (let now = first; now < end; now += DAY) {
        while ((open[0]?.at ?? Number.POSITIVE_INFINITY) <= now) this.#notice(open.shift())
        this.#plan(now)
      }
      return
    }
    for (let next: number | undefined; open.length > 0 || next !== undefined; ) {
      const now = Math.min(open[0]?.at ?? Number.POSITIVE_INFINITY, next ?? Number.POSITIVE_INFINITY)
      if (now >= end) return
      while (open[0]?.at === now) this.#notice(open.shift())
      next = this.#plan(now)
    }
  }

  result(): Simulated {
    const rebuilds = [...this.#rebuildsOf.values()].reduce((sum, count) => sum + count, 0)
    return {
      ...{ events: this.#events, plans: this.#plans, rebuilds, rebuildsOf: this.#rebuildsOf, bytes: this.#bytes },
      ...{
        closed: this.#closed,
        exposure: this.#exposure,
        open: this.#open,
        unchanged: this.#unchanged,
        held: this.#held,
      },
      ...{ heldAtEnd: this.#heldNow, remembered: this.#offers.size, images: this.#fleet.members },
    }
  }

  #notice(tick: ArchiveTick | undefined): void {
    if (tick === undefined) return
    this.#events++
    const { at, suite, updates } = tick
    const date = new Date(at).toISOString()
    const packages = updates.flatMap(({ source, version }) => {
      const names = Map.groupBy(this.#binaries.get(source) ?? [], ({ name }) => name)
      return [...names].map(([name, held]) => {
        const architectures = [...new Set(held.map(({ architecture }) => architecture))]
        return { name, architectures, to: version, source: { name: source, version } }
      })
    })
    const change = { archive: ARCHIVE, suite, to: { date, digest: digestOf(`${suite} ${date}`) }, packages }
    this.#offers.add(change, { event: this.#events, seen: date })
    const subject = `${ARCHIVE}/${suite}`
    const key = eventKey('archive-changed', subject, change.to.digest)
    this.#fresh.push({ id: this.#events, kind: 'archive-changed', subject, key, payload: change, seen: date })
  }

  /** Gives when there may be another plan. */
  #plan(now: number): number | undefined {
    const { policy, closes } = this.#input
    const planned = planRebuilds({
      ...{
        events: this.#fresh,
        holds: [],
        alarms: new Map(),
        approvals: new Map(),
        underway: new Map(),
        failed: new Map(),
      },
      ...{ fleet: this.#fleet, offers: this.#offers, policy, closes, waiting: this.#waiting },
      now: new Date(now).toISOString(),
    })
    this.#plans++
    this.#fresh = []
    for (const { reason } of planned.unchanged) count(this.#unchanged, wordsOf(reason))
    const held = planned.plan.images.filter((one) => one.held !== undefined)
    const heldNow = new Map(
      planned.plan.images.flatMap(({ image, held: keeps, reasons }) => {
        // What is rebuilt for other reasons may have one that waits.
        const by = keeps ?? reasons.find(({ waits }) => waits !== undefined)?.waits
        return by === undefined ? [] : [[image, `${by.by}: ${wordsOf(by.reason)}`] as const]
      }),
    )
    for (const [image, words] of heldNow) if (this.#heldNow.get(image) !== words) count(this.#held, words)
    this.#heldNow = heldNow
    const lacking = planned.plan.images.map((one) => planned.findings.get(one.image)?.length ?? 0)
    this.#open = lacking.reduce((sum, findings) => sum + findings, 0)
    this.#waiting = new Map(
      held.flatMap(({ image, reasons, held: keeps }) =>
        keeps === undefined ? [] : [[image, { reasons, held: keeps }] as const],
      ),
    )
    const going = planned.plan.images.filter((one) => one.held === undefined)
    if (going.length > 0) this.#release(going, planned.findings, now)
    return planned.next === undefined ? undefined : Date.parse(planned.next)
  }

  #release(going: readonly PlannedImage[], findings: ReadonlyMap<string, readonly SeenFinding[]>, now: number): void {
    const released = new Date(now).toISOString()
    const changed = going.flatMap((one): FleetImage[] => {
      const member = this.#fleet.get(one.image)
      if (member === undefined) return []
      const moves = movesOf(one.reasons)
      count(this.#rebuildsOf, one.image)
      this.#bytes += bytesOf(this.#weights.get(one.image) ?? [], moves)
      this.#close(one, findings.get(one.image) ?? [], now)
      return [moved(member, moves, released)]
    })
    this.#fleet = this.#fleet.with(changed)
    this.#offers.forget(this.#fleet.packages())
  }

  #close({ reasons }: PlannedImage, findings: readonly SeenFinding[], now: number): void {
    const answered = new Set(
      reasons
        .filter(({ waits }) => waits === undefined)
        .flatMap(({ advisories, source }) => advisories.map((advisory) => `${advisory} ${source}`)),
    )
    for (const { finding, available } of findings) {
      if (!answered.has(finding)) continue
      this.#closed++
      this.#open--
      this.#exposure += now - Date.parse(available)
    }
  }
}

function movesOf(reasons: readonly Reason[]): ReadonlyMap<string, string> {
  const taken = reasons.filter(({ waits }) => waits === undefined).flatMap(({ changes }) => changes)
  return new Map(taken.flatMap(({ package: name, to }) => (to === undefined ? [] : [[name, to] as const])))
}

/** A layer changes when a package in it does. */
function bytesOf(layers: WeighedImage['layers'], moves: ReadonlyMap<string, string>): number {
  const changed = layers.filter(({ packages }) => [...moves.keys()].some((name) => packages.has(name)))
  return changed.reduce((sum, { bytes }) => sum + bytes, 0)
}

function moved(member: FleetMember, moves: ReadonlyMap<string, string>, released: Moment): FleetImage {
  const { image, parent, requests } = member
  const contents = [...member.contents].map(([platform, packages]) => {
    const now = packages.map((one) => {
      const version = moves.get(one.name)
      return version === undefined ? one : { ...one, version, source: { ...one.source, version } }
    })
    return [platform, now] as const
  })
  return { image, parent, requests, contents: new Map(contents), released }
}

/** Reasons of one kind count together, whatever image or time they name. */
function wordsOf(text: string): string {
  return text
    .replace(/^it has .*: nothing/, 'it has that in a version as new: nothing')
    .replace(/^\S+ (is held|is not rebuilt|changes nothing)/, 'its parent $1')
    .replace(/asks for \S+$/, 'asks for another version')
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
