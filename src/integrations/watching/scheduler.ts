import { setTimeout as sleepFor } from 'node:timers/promises'

/** The time, and waiting for it. */
export interface WatchClock {
  now(): Date
  /** Waits, in milliseconds; rejects when the signal comes first. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>
  /** From 0 to 1, for jitter. */
  random(): number
}

/** The machine's. */
export const MACHINE_CLOCK: WatchClock = {
  now: () => new Date(),
  sleep: async (milliseconds, signal) => {
    await sleepFor(milliseconds, undefined, { signal })
  },
  random: () => Math.random(),
}

/** Something that is looked at again and again. */
export interface Poll {
  /** For messages, and to have it done at once, e.g. `archive debian-13`. */
  readonly name: string
  /** Milliseconds from the end of one look to the next. */
  readonly every: number
  /** Looks once. Resolves to what could not be looked at, as lines for people; empty when all went well. */
  look(signal: AbortSignal): Promise<readonly string[]>
  /** Calls `changed` when there may be something to see, until the signal comes: it is looked at then, and in its intervals all the same. */
  hint?(changed: () => void, signal: AbortSignal): void
}

/** What became of a look. */
export interface LookOutcome {
  readonly name: string
  /** Empty when all went well. */
  readonly troubles: readonly string[]
  /** How many looks in a row had trouble, this one included. */
  readonly failures: number
  readonly next: Date
}

export interface SchedulerOptions {
  readonly clock?: WatchClock
  /** Told after each look, e.g. to say the troubles aloud. */
  readonly onLook?: (outcome: LookOutcome) => void
}

/** Part of the interval by which a look comes earlier or later, so that many who started together do not ask together. */
const JITTER = 0.1
/** Milliseconds until what had trouble is looked at again: doubled each time, up to the longer one of `LONGEST_PAUSE` and the interval. */
const FIRST_PAUSE = 10_000
const LONGEST_PAUSE = 30 * 60_000

/**
 * Looks at things in their intervals, with jitter, soon again after trouble and then ever more seldom; never twice at once at the
 * same thing. What it looks at has to bear being looked at by other processes as well.
 */
export class Scheduler {
  readonly #loops: ReadonlyMap<string, PollLoop>
  readonly #stop = new AbortController()
  #running: Promise<unknown> | undefined

  constructor(polls: readonly Poll[], { clock = MACHINE_CLOCK, onLook = () => undefined }: SchedulerOptions = {}) {
    this.#loops = new Map(polls.map((poll) => [poll.name, new PollLoop(poll, clock, onLook)]))
  }

  /** Begins: everything is looked at once, at once. */
  start(): void {
    this.#running ??= Promise.all([...this.#loops.values()].map((loop) => loop.run(this.#stop.signal)))
  }

  /**
   * Has something looked at now, e.g. because a mirror says that it changed: once, however many ask meanwhile, and by a look
   * that begins after this was called. Gives its troubles; `undefined` where there is nothing of that name, or it does not run.
   */
  async lookNow(name: string): Promise<readonly string[] | undefined> {
    if (this.#running === undefined) return undefined
    return this.#loops.get(name)?.lookNow(this.#stop.signal)
  }

  /** Ends, when the looks that are under way have ended: they are told to. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }
}

class PollLoop {
  readonly #poll: Poll
  readonly #clock: WatchClock
  readonly #onLook: (outcome: LookOutcome) => void
  #wake = new AbortController()
  #waiting: ((troubles: readonly string[] | undefined) => void)[] = []
  #failures = 0

  constructor(poll: Poll, clock: WatchClock, onLook: (outcome: LookOutcome) => void) {
    this.#poll = poll
    this.#clock = clock
    this.#onLook = onLook
  }

  async run(stop: AbortSignal): Promise<void> {
    this.#poll.hint?.(() => void this.lookNow(stop), stop)
    while (!stop.aborted) {
      // Whoever asks while it looks may know of something that it has passed already: he waits for the next look.
      const asked = this.#waiting.splice(0)
      this.#wake = new AbortController()
      const troubles = await this.#look(stop)
      for (const tell of asked) tell(stop.aborted ? undefined : troubles)
      if (stop.aborted) break
      const pause = this.#pause()
      const next = new Date(this.#clock.now().getTime() + pause)
      this.#onLook({ name: this.#poll.name, troubles, failures: this.#failures, next })
      if (this.#waiting.length === 0) await this.#rest(pause, stop)
    }
    for (const tell of this.#waiting.splice(0)) tell(undefined)
  }

  async lookNow(stop: AbortSignal): Promise<readonly string[] | undefined> {
    if (stop.aborted) return undefined
    const told = new Promise<readonly string[] | undefined>((resolve) => this.#waiting.push(resolve))
    this.#wake.abort()
    return told
  }

  async #look(stop: AbortSignal): Promise<readonly string[]> {
    let troubles: readonly string[]
    try {
      troubles = await this.#poll.look(stop)
    } catch (error) {
      // A poll that fails is tried again; whoever runs the scheduler is told each time.
      troubles = [error instanceof Error ? error.message : String(error)]
    }
    this.#failures = troubles.length === 0 ? 0 : this.#failures + 1
    return troubles
  }

  #pause(): number {
    const { every } = this.#poll
    const afterTrouble = Math.min(Math.max(every, LONGEST_PAUSE), FIRST_PAUSE * 2 ** Math.min(this.#failures - 1, 20))
    const pause = this.#failures === 0 ? every : afterTrouble
    return pause * (1 - JITTER + 2 * JITTER * this.#clock.random())
  }

  async #rest(pause: number, stop: AbortSignal): Promise<void> {
    const ends = AbortSignal.any([stop, this.#wake.signal])
    await this.#clock.sleep(pause, ends).catch((error: unknown) => {
      if (!ends.aborted) throw error
    })
  }
}
