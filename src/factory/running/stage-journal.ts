import type { ClockMark } from '../clock.ts'
import type { FactoryLogs, FactoryStore } from '../ports.ts'
import type { StageRecord } from '../run.ts'

/** What is to be recorded together. */
interface Entry {
  readonly records: readonly StageRecord[]
  readonly marks: readonly ClockMark[]
  resolve(): void
  reject(error: unknown): void
}

/** The most entries of one transaction. */
const TOGETHER = 500

/**
 * Records steps of stages with the marks that findings come to by them. Whatever comes while another transaction is under way is recorded
 * by the next one, all together: with many images at a time, one sync is for many of them.
 */
export class StageJournal {
  readonly #store: FactoryStore
  readonly #waiting: Entry[] = []
  #isWriting = false

  constructor(store: FactoryStore) {
    this.#store = store
  }

  /** Resolves when everything of this entry is durable; rejects when nothing of it is. */
  async record(records: readonly StageRecord[], marks: readonly ClockMark[] = []): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ records, marks, resolve, reject })
    if (!this.#isWriting) void this.#writeAll()
    await promise
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true
    while (this.#waiting.length > 0) {
      const entries = this.#waiting.splice(0, TOGETHER)
      // What is wrong with one entry must not be the others' end.
      if (!(await this.#write(entries, entries.length > 1)))
        for (const entry of entries) await this.#write([entry], false)
    }
    this.#isWriting = false
  }

  /** Gives `false`, having told nobody, where entries shall be tried again one by one. */
  async #write(entries: readonly Entry[], mayDivide: boolean): Promise<boolean> {
    try {
      await this.#store.transaction((logs) => recordAll(logs, entries))
    } catch (error) {
      if (mayDivide) return false
      for (const entry of entries) entry.reject(error)
      return true
    }
    for (const entry of entries) entry.resolve()
    return true
  }
}

async function recordAll({ runs, clocks }: FactoryLogs, entries: readonly Entry[]): Promise<void> {
  await runs.record(entries.flatMap(({ records }) => records))
  const marks = entries.flatMap((entry) => entry.marks)
  if (marks.length > 0) await clocks.record(marks)
}
