import {
  askedEvent,
  type FactorySettings,
  type Moment,
  noteEvents,
  notePlan,
  type PlannedRebuilds,
  planRebuilds,
  startRun,
} from '#factory'
import { tellHeld } from '#integrations'
import type { OpenStore } from '#store'
import { type FleetDefinitions, openFleet } from '../fleet-definitions.ts'
import { placeOf } from '../place.ts'
import { basisOfStore, firstLooks, openFindings, readArchiveFacts } from '../plan-basis.ts'
import { formatDuration, type Terminal } from '../terminal.ts'
import type { PlaceOptions } from '../verb.ts'
import { archiveFoldersOf, fleetReferences } from './fleet-references.ts'

/** What plans are made from and by. */
export interface PlannerOptions {
  readonly store: OpenStore
  readonly settings: FactorySettings
  readonly place: PlaceOptions
  readonly terminal: Terminal
  readonly now: () => Moment
}

/** One at a time in all processes: two plans for the same events would both be run. */
const PLANNING = 'plan'
/** Milliseconds between two looks at what is open, when nobody says that something is. */
const EVERY = 2000
/** The longest time until holds are looked at again, in milliseconds. */
const LONGEST = 60_000

/** Makes plans of what was recorded and begins their runs, for as long as it runs. */
export class Planner {
  readonly #options: PlannerOptions
  readonly #stop = new AbortController()
  #wake = Promise.withResolvers<void>()
  #running: Promise<void> | undefined
  #next = 0
  #before: () => Promise<void> = async () => undefined

  constructor(options: PlannerOptions) {
    this.#options = options
  }

  /** Has something done before each plan, e.g. definitions read again. */
  beforePlan(prepare: () => Promise<void>): void {
    this.#before = prepare
  }

  /** Begins. Trouble is told and tried again. */
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

  /**
   * Plans what is open. Gives the number of a run that was begun; `undefined` where there was nothing to do. Rejects as the readers of
   * definitions and archives do, and as the store.
   */
  async plan(): Promise<number | undefined> {
    const { store, now } = this.#options
    return await store.exclusively([PLANNING], async () => {
      const moment = now()
      const isDue = this.#next !== 0 && Date.parse(moment) >= this.#next
      if ((await store.events.open(1)).length === 0 && !isDue) return undefined
      await this.#before()
      const { planned, disclosed } = await this.#work(moment)
      this.#next = planned.next === undefined ? 0 : Date.parse(planned.next)
      const plan = await store.transaction((logs) => notePlan(logs, planned, disclosed))
      if (plan === undefined) return undefined
      await tellHeld(store, planned.plan, plan)
      const isHeld = planned.plan.images.every(({ held }) => held !== undefined)
      return isHeld ? undefined : await startRun(store, plan, moment)
    })
  }

  /** What would be done now; records nothing. */
  async preview(): Promise<PlannedRebuilds> {
    return (await this.#work(this.#options.now())).planned
  }

  /** Asks once for every image that was never released and that nobody has asked for. */
  async askForNew(): Promise<void> {
    const { store, now } = this.#options
    const { images } = await this.#definitions()
    const released = new Set((await store.fleet.heads()).map(({ image }) => image))
    const fresh = images.filter(({ image }) => !released.has(image))
    const events = fresh.map(({ image }) =>
      askedEvent({ image, by: 'casemate up', reason: 'its first release', request: 'first' }, now()),
    )
    await store.transaction((logs) => noteEvents(logs, events))
  }

  async #work(now: Moment) {
    const { store, settings, place, terminal } = this.#options
    const definitions = await this.#definitions()
    const facts = await readArchiveFacts(archiveFoldersOf(definitions))
    const findings = openFindings(facts)
    try {
      const basis = await basisOfStore(store, definitions, { facts, now, since: undefined })
      for (const notice of await firstLooks(basis, await placeOf(place, definitions.files))) terminal.warn(notice)
      const { closes, disclosed } = findings
      return { planned: planRebuilds({ ...basis, closes, policy: settings.policy, now }), disclosed }
    } finally {
      findings.close()
    }
  }

  async #definitions(): Promise<FleetDefinitions> {
    return openFleet(await fleetReferences(this.#options.settings))
  }

  async #run(onTrouble: (error: unknown) => void): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      this.#wake = Promise.withResolvers<void>()
      try {
        await this.plan()
        failures = 0
      } catch (error) {
        failures++
        onTrouble(error)
      }
      const pause = failures === 0 ? EVERY : Math.min(LONGEST, EVERY * 2 ** failures)
      if (failures > 0) this.#options.terminal.warn(`planning is tried again in ${formatDuration(pause)}`)
      const timer = setTimeout(() => this.wake(), pause)
      await this.#wake.promise
      clearTimeout(timer)
    }
  }
}
