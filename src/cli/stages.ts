import type { Terminal } from './terminal.ts'

/**
 * Runs the stages of a long verb, shows where it is, and keeps how long each took. A stage may run within another; its
 * time is then its own and not the outer one's.
 */
export class Stages {
  readonly #terminal: Terminal
  readonly #now: () => number
  readonly #durations = new Map<string, number>()
  readonly #running: string[] = []
  #since = 0

  /** `now` gives milliseconds of a clock that never goes back. */
  constructor(terminal: Terminal, now: () => number = () => performance.now()) {
    this.#terminal = terminal
    this.#now = now
  }

  /** Milliseconds by stage, in the order in which they first ended or were interrupted. */
  get durations(): ReadonlyMap<string, number> {
    return this.#durations
  }

  /** Runs a stage; its name is what progress and the summary call it. */
  async run<Result>(stage: string, work: () => Promise<Result>): Promise<Result> {
    this.#count()
    this.#running.push(stage)
    this.#terminal.progress(`${stage} …`)
    try {
      return await work()
    } finally {
      this.#count()
      this.#running.pop()
      this.#terminal.progress('')
    }
  }

  /** Shows how far the stage is. */
  progress(text: string): void {
    this.#terminal.progress(text)
  }

  /** Gives the time since the last change of stages to the innermost one. */
  #count(): void {
    const now = this.#now()
    const stage = this.#running.at(-1)
    if (stage !== undefined) this.#durations.set(stage, (this.#durations.get(stage) ?? 0) + now - this.#since)
    this.#since = now
  }
}
