import type { FactoryEvent } from '../event.ts'
import type { Moment } from '../moment.ts'
import type { FactoryStore } from '../ports.ts'
import { startRun } from '../running/engine.ts'
import type { UpdatePolicy } from '../settings/policy-settings.ts'
import type { ArchiveChange } from '../watching/suite-change.ts'
import { alarmsOf } from './alarms.ts'
import { parseArchiveChange } from './archive-change.ts'
import type { CloseFindings, DisclosureOf } from './closed-findings.ts'
import type { Fleet, FleetImage } from './fleet.ts'
import { notePlan } from './note-plan.ts'
import { SeenOffers, type SuiteStanding } from './offers.ts'
import { type PlanInput, type PlannedRebuilds, planRebuilds } from './plan-rebuilds.ts'
import { ReleasedFleet } from './released-fleet.ts'

/** What a planner works with. */
export interface PlannerPorts {
  readonly store: FactoryStore
  /** The images of the definitions as they are now, with their locks. */
  definitions(): Promise<readonly FleetImage[]>
  readonly standing: (archive: string, suite: string) => SuiteStanding
  readonly closes: CloseFindings
  readonly disclosed: DisclosureOf
  /** What archives have today that is newer than what a fleet holds: for suites whose first state tells nothing of before. */
  look(fleet: Fleet, archives: readonly string[]): Promise<readonly ArchiveChange[]>
  readonly policy: UpdatePolicy
  now(): Moment
}

/** What came of planning once. */
export interface PlannerStep {
  readonly planned: PlannedRebuilds
  /** The number of the plan; `undefined` where there was nothing new to say. */
  readonly plan: number | undefined
  /** The run that was begun; `undefined` where nothing is to be rebuilt. */
  readonly run: number | undefined
}

const ARCHIVE_EVENTS = ['archive-changed', 'archive-alarm', 'archive-recovered'] as const
/** Whoever plans does so under this name. */
const PLANNING = 'planning'
/** Events at a time: what is in memory. */
const BATCH = 500
/** Runs that may be open: beyond, what is noticed waits, and is one plan for all of it when some of them have ended. */
export const MOST_OPEN_RUNS = 20
/** Events that are read again each time. */
const OVERLAP = 100

/**
 * Makes plans of what the store has. What it keeps in memory is a fold of recorded events: one that begins anew comes to the same.
 * Two at once do no harm, because the same plan is one plan and one run.
 */
export class Planner {
  readonly #ports: PlannerPorts
  readonly #fleet = new ReleasedFleet()
  #offers: SeenOffers
  readonly #alarming = new Map<string, FactoryEvent>()
  #firstSeen: { readonly archive: string; readonly suite: string; readonly event: number; readonly seen: Moment }[] = []
  /** First looks that were noted. */
  readonly #looked = new Set<number>()
  #last = 0

  constructor(ports: PlannerPorts) {
    this.#ports = ports
    this.#offers = new SeenOffers(ports.standing)
  }

  /** How many versions are remembered that some image lacks. */
  get remembered(): number {
    return this.#offers.size
  }

  /**
   * Whether so many runs are open that another plan had to wait for workers anyway. Events stay open meanwhile: who plans later plans less,
   * because of ten versions of a package the last one is built.
   */
  async isBehind(): Promise<boolean> {
    return (await this.#ports.store.work.open()).length >= MOST_OPEN_RUNS
  }

  /** What a plan would be made of now; with `since`, also of what was seen since then and is answered. */
  async input(since?: Moment): Promise<PlanInput> {
    const { store, closes, policy } = this.#ports
    const now = this.#ports.now()
    const fleet = await this.#fleet.read(store, await this.#ports.definitions())
    // Before the rest of them, so that a plan answers nothing that it has not taken in.
    const open = await store.events.open(10_000)
    await this.#catchUp(fleet, open)
    const names = fleet.members.map(({ image }) => image)
    const told = since === undefined ? [] : await this.#seenSince(since)
    const events = new Map([...told, ...open].map((event) => [event.id, event]))
    return {
      ...{ fleet, offers: this.#offers, closes, policy, now },
      events: [...events.values()].sort((left, right) => left.id - right.id),
      holds: await store.decisions.holds(now),
      alarms: alarmsOf([...this.#alarming.values()]),
      approvals: await store.fleet.approvals(names),
      waiting: await store.fleet.waiting(names),
      underway: await store.fleet.underway(),
      failed: await store.fleet.failed(),
    }
  }

  /** Makes a plan, records what is new in it, and begins its run: one planner at a time, in whichever process. */
  async plan(): Promise<PlannerStep> {
    return await this.#ports.store.exclusively([PLANNING], () => this.#planAlone())
  }

  async #planAlone(): Promise<PlannerStep> {
    const { store, disclosed } = this.#ports
    const input = await this.input()
    const planned = planRebuilds(input)
    const noted = await store.transaction((logs) => notePlan(logs, planned, { disclosed, waiting: input.waiting }))
    if (noted === undefined) return { planned, plan: undefined, run: undefined }
    // A plan is run once, whoever begins it: one that a crash left without a run has it now.
    const run = noted.isGoing ? await startRun(store, noted.plan, input.now) : undefined
    return { planned, plan: noted.plan, run }
  }

  /** Reads the events that came since, or all of them again where an image holds something older than anyone did before. */
  async #catchUp(fleet: Fleet, open: readonly FactoryEvent[]): Promise<void> {
    if (!this.#offers.covers(fleet.packages())) {
      this.#offers = new SeenOffers(this.#ports.standing)
      this.#alarming.clear()
      this.#firstSeen = []
      this.#looked.clear()
      this.#last = 0
    }
    // Numbers are given before transactions end, so one that is lower may come later.
    let after = Math.max(0, this.#last - OVERLAP)
    for (let read = BATCH; read === BATCH; ) {
      const events = await this.#ports.store.events.ofKinds(ARCHIVE_EVENTS, after, BATCH)
      for (const event of events) this.#take(event)
      after = events.at(-1)?.id ?? after
      read = events.length
    }
    for (const event of open) if (isOfArchive(event)) this.#take(event)
    await this.#lookFirst(fleet)
    this.#offers.forget(fleet.packages())
  }

  /** Taken again, an event changes nothing. */
  #take(event: FactoryEvent): void {
    this.#last = Math.max(this.#last, event.id)
    if (event.kind !== 'archive-changed') {
      // Of each suite the last word is enough.
      const known = this.#alarming.get(event.subject)
      if (known === undefined || known.id < event.id) this.#alarming.set(event.subject, event)
      return
    }
    const change = parseArchiveChange(event)
    const { archive, suite, from } = change
    if (from === undefined && !this.#looked.has(event.id)) {
      this.#looked.add(event.id)
      this.#firstSeen.push({ archive, suite, event: event.id, seen: event.seen })
    }
    this.#offers.add(change, { event: event.id, seen: event.seen })
  }

  /** Images that are older than the first look at a suite may lack what no event tells. Who joins later is found by `covers`. */
  async #lookFirst(fleet: Fleet): Promise<void> {
    const isOlder = ({ seen }: { readonly seen: Moment }) =>
      fleet.members.some(({ released, contents }) => contents.size > 0 && (released === undefined || released < seen))
    const older = this.#firstSeen.filter(isOlder)
    const archives = [...new Set(older.map(({ archive }) => archive))].sort()
    for (const change of archives.length === 0 ? [] : await this.#ports.look(fleet, archives)) {
      const first = older.find(({ archive, suite }) => archive === change.archive && suite === change.suite)
      if (first !== undefined) this.#offers.add(change, first)
    }
    // Only now: what could not be looked at is looked at the next time.
    this.#firstSeen = []
  }

  async #seenSince(since: Moment): Promise<readonly FactoryEvent[]> {
    const found: FactoryEvent[] = []
    for (let last = 0; ; ) {
      const events = await this.#ports.store.events.ofKinds(ARCHIVE_EVENTS, last, BATCH)
      found.push(...events.filter(({ seen }) => seen >= since))
      if (events.length < BATCH) return found
      last = events.at(-1)?.id ?? last
    }
  }
}

function isOfArchive({ kind }: FactoryEvent): boolean {
  return ARCHIVE_EVENTS.some((one) => one === kind)
}
