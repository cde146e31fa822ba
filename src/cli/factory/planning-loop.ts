import {
  askedEvent,
  type FactorySettings,
  type Moment,
  noteEvents,
  type PlannedRebuilds,
  type Planner,
  planRebuilds,
} from '#factory'
import type { OpenStore } from '#store'
import { openFindings, type PlannerBasis, plannerOf, readArchiveFacts } from '../plan-basis.ts'
import type { Terminal } from '../terminal.ts'
import type { PlaceOptions } from '../verb.ts'
import { archiveFoldersOf, fleetOf } from './fleet-references.ts'

/** What plans are made from and by. */
export interface PlanningOptions {
  readonly store: OpenStore
  readonly settings: FactorySettings
  readonly place: PlaceOptions
  readonly terminal: Terminal
  readonly now: () => Moment
}

/** Milliseconds between two looks at what is open, when nobody says that something is; and the longest pause after trouble. */
const EVERY = 2000
const LONGEST = 60_000

/** Makes plans of what was recorded and begins their runs, for as long as it runs. */
export class PlanningLoop {
  readonly #options: PlanningOptions
  readonly #stop = new AbortController()
  readonly #before: (() => Promise<void>)[] = []
  /** One for all plans: what it has read of events it need not read again. */
  readonly #planner: Planner
  #basis: PlannerBasis | undefined
  #wake = Promise.withResolvers<void>()
  #running: Promise<void> | undefined
  #next = Number.POSITIVE_INFINITY
  /** What people had decided when the last plan was made; before the first, nothing is known of what is held. */
  #decided: string | undefined
  /** Whether a plan is being made: what it answers is open no more, and its run is not begun yet. */
  isPlanning = false

  constructor(options: PlanningOptions) {
    this.#options = options
    this.#planner = this.#plannerBy(() => this.#basis)
  }

  /** Has something done before each plan, e.g. definitions read again. */
  beforePlan(prepare: () => Promise<void>): void {
    this.#before.push(prepare)
  }

  /** Begins. Trouble is told, and planning tried again. */
  start(onTrouble: (error: unknown) => void): void {
    this.#running ??= this.#run(onTrouble)
  }

  /** Has what is open planned now: something was recorded. */
  wake(): void {
    this.#wake.resolve()
  }

  /** Ends when the plan that is being made is recorded. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.wake()
    await this.#running
  }

  /** What would be done now; records nothing. Rejects as the readers of definitions and archives do, and as the store. */
  async preview(): Promise<PlannedRebuilds> {
    return await this.#with(async (basis) => planRebuilds(await this.#plannerBy(() => basis).input()))
  }

  /** Asks once for every image that was never released and that nobody has asked for. */
  async askForNew(): Promise<void> {
    const { store, now } = this.#options
    const { images } = await fleetOf(this.#options.settings)
    const released = new Set((await store.fleet.heads()).map(({ image }) => image))
    const fresh = images.filter(({ image }) => !released.has(image))
    const events = fresh.map(({ image }) =>
      askedEvent({ image, by: 'casemate up', reason: 'its first release', request: 'first' }, now()),
    )
    await store.transaction((logs) => noteEvents(logs, events))
  }

  /** Plans what is open, what was held until now, and what somebody has decided about. */
  async #plan(): Promise<void> {
    const { store, now } = this.#options
    const isDue = Date.parse(now()) >= this.#next
    const decided = await store.fleet.decided()
    if (!isDue && decided === this.#decided && (await store.events.open(1)).length === 0) return
    // The looks go on: when some run has ended, everything that came meanwhile is planned at once.
    if (await this.#planner.isBehind()) return
    for (const prepare of this.#before) await prepare()
    const { planned } = await this.#with((basis) => {
      this.#basis = basis
      return this.#planner.plan()
    })
    this.#decided = decided
    this.#next = planned.next === undefined ? Number.POSITIVE_INFINITY : Date.parse(planned.next)
  }

  #plannerBy(basis: () => PlannerBasis | undefined): Planner {
    return plannerOf({ ...this.#options, policy: this.#options.settings.policy }, () => {
      const given = basis()
      if (given === undefined) throw new TypeError('a planner was asked before its definitions were read')
      return given
    })
  }

  async #with<Result>(work: (basis: PlannerBasis) => Promise<Result>): Promise<Result> {
    const definitions = await fleetOf(this.#options.settings)
    const facts = await readArchiveFacts(archiveFoldersOf(definitions))
    const findings = openFindings(facts)
    try {
      return await work({ definitions, facts, findings })
    } finally {
      findings.close()
    }
  }

  async #run(onTrouble: (error: unknown) => void): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      this.#wake = Promise.withResolvers<void>()
      try {
        this.isPlanning = true
        await this.#plan()
        failures = 0
      } catch (error) {
        failures++
        onTrouble(error)
      } finally {
        this.isPlanning = false
      }
      const timer = setTimeout(() => this.wake(), Math.min(LONGEST, EVERY * 2 ** failures))
      await this.#wake.promise
      clearTimeout(timer)
    }
  }
}
