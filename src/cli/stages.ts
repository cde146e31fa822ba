import type { Terminal } from './terminal.ts'

/** Runs the stages of a long verb one after another, shows where it is, and keeps how long each took. */
export class Stages {
  readonly #terminal: Terminal
  readonly #durations = new Map<string, number>()

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  /** Milliseconds by stage, in the order in which they ran. */
  get durations(): ReadonlyMap<string, number> {
    return this.#durations
  }

  /** Runs a stage; its name is what progress and the summary call it. */
  async run<Result>(stage: string, work: () => Promise<Result>): Promise<Result> {
    const start = performance.now()
    this.#terminal.progress(`${stage} …`)
    try {
      return await work()
    } finally {
      this.#durations.set(stage, (this.#durations.get(stage) ?? 0) + performance.now() - start)
      this.#terminal.progress('')
    }
  }

  /** Shows how far the stage is. */
  progress(text: string): void {
    this.#terminal.progress(text)
  }
}
